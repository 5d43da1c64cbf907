// SPDX-License-Identifier: MIT
// ParseExperiment: the TOML of an experiment, checked key by key and then as a whole.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "harness/base/text.h"
#include "harness/spec/experiment.h"
#include "harness/spec/parse_arm.h"
#include "harness/spec/parse_engine.h"
#include "harness/spec/parse_host.h"
#include "harness/spec/program.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {
namespace {

const std::vector<std::string> kLayouts = {"monolithic", "coarse", "fine"};
constexpr double kLongestWait_s = 24 * 3600;

Layout LayoutOf(const std::string& name) {
  if (name == "monolithic") return Layout::kMonolithic;
  return name == "fine" ? Layout::kFine : Layout::kCoarse;
}

// The name of the engine that carries the arm's root.
std::string ReadRootEngine(TomlReader& arm, const std::vector<EngineDescriptor>& engines) {
  const std::string name = arm.Text("engine", "");
  std::vector<std::string> able;
  for (const EngineDescriptor& engine : engines) {
    const auto why = WhyNot(engine, kTraitRoot);
    if (!why) able.push_back(engine.name);
    if (why && engine.name == name)
      arm.Error("engine", fmt::format("\"{}\" cannot carry a guest's root: it {}", name, *why));
  }
  return arm.Choice("engine", "", able);
}

Arm ReadArm(const toml::table& table, const std::vector<EngineDescriptor>& engines,
            TomlErrors& errors) {
  TomlReader reader(
      table, "arm",
      {"id", "label", "layout", "engine", "engine_options", "reference", "control", "handicap"},
      errors);
  Arm arm;
  arm.id = reader.RequiredText("id");
  if (!arm.id.empty() && !IsPlainName(arm.id, "-")) {
    reader.Error("id", fmt::format("id \"{}\" may hold only {}", arm.id, PlainNameWords("-")));
  }
  arm.label = reader.Text("label", arm.id);
  arm.layout = LayoutOf(reader.Choice("layout", "", kLayouts));
  if (arm.layout == Layout::kFine) {
    arm.engine = ReadRootEngine(reader, engines);
  } else if (!reader.Text("engine", "").empty()) {
    reader.Error(
        "engine",
        fmt::format("\"{}\" has an engine, which only layout \"fine\" uses; remove it", arm.id));
  }
  arm.engine_options = reader.Text("engine_options", "");
  // These go to the kernel command line, where a blank starts the next parameter.
  if (arm.engine_options.find_first_of(" \t\n\"") != std::string::npos) {
    reader.Error("engine_options", "must not hold blanks or quotes; separate options by commas");
  }
  arm.reference = reader.Flag("reference", false);
  arm.control = reader.Flag("control", false);
  arm.handicap = ReadHandicap(reader, false, errors);
  return arm;
}

FioJob ReadJob(const toml::table& table, TomlErrors& errors) {
  TomlReader reader(
      table, "job",
      {"id", "label", "family", "file", "lower_file", "runtime_s", "ramp_s", "size_mib"}, errors);
  FioJob job;
  job.id = reader.RequiredText("id");
  if (!job.id.empty() && !IsPlainName(job.id, "_")) {
    reader.Error("id", fmt::format("id \"{}\" may hold only {}", job.id, PlainNameWords("_")));
  }
  job.label = reader.Text("label", job.id);
  job.family = reader.Choice("family", "", {"path", "app"});
  job.file = reader.Text("file", job.id + ".fio");
  if (job.file.find('/') != std::string::npos) {
    reader.Error("file", fmt::format("file \"{}\" must be a plain name in the folder of job files",
                                     job.file));
  }
  job.lower_file = reader.Flag("lower_file", false);
  job.runtime_s = static_cast<int>(reader.Integer("runtime_s", job.runtime_s, 1, 3600));
  job.ramp_s = static_cast<int>(reader.Integer("ramp_s", job.ramp_s, 0, 600));
  job.size_mib = static_cast<int>(reader.Integer("size_mib", job.size_mib, 1, 1 << 20));
  return job;
}

GuestSettings ReadGuest(const toml::table& table, TomlErrors& errors) {
  TomlReader reader(
      table, "guest",
      {"memory_mib", "cpus", "boot_timeout_s", "job_timeout_s", "poweroff_timeout_s", "console"},
      errors);
  GuestSettings guest;
  guest.memory_mib = static_cast<int>(reader.Integer("memory_mib", guest.memory_mib, 128, 1 << 20));
  guest.cpus = static_cast<int>(reader.Integer("cpus", guest.cpus, 1, 256));
  guest.boot_timeout_s = reader.Number("boot_timeout_s", guest.boot_timeout_s, 1, kLongestWait_s);
  guest.job_timeout_s = reader.Number("job_timeout_s", guest.job_timeout_s, 1, kLongestWait_s);
  guest.poweroff_timeout_s =
      reader.Number("poweroff_timeout_s", guest.poweroff_timeout_s, 1, kLongestWait_s);
  guest.console = reader.Choice("console", guest.console, {"off", "serial"});
  return guest;
}

void CheckJobs(const Experiment& experiment, TomlReader& root) {
  std::set<std::string> ids;
  for (const FioJob& job : experiment.jobs) {
    if (!ids.insert(job.id).second)
      root.Error("job", fmt::format("job id \"{}\" is used twice", job.id));
  }
}

std::vector<std::string> ReadPrograms(TomlReader& root) {
  return ReadNames(root, "programs", "program", ProgramIds(),
                   [](const std::string& id) { return ProgramById(id) != nullptr; });
}

void ReadGuestExperiment(const toml::table& document, TomlReader& root, TomlErrors& errors,
                         Experiment& experiment) {
  for (const char* key : {"cases", "host"})
    if (document.contains(key))
      root.Error(key, fmt::format("\"{}\" belongs to substrate = \"host\" alone", key));
  experiment.promises = root.Flag("promises", experiment.promises);
  experiment.upgrade = root.Flag("upgrade", experiment.upgrade);
  if (const toml::table* guest = root.Table("guest")) experiment.guest = ReadGuest(*guest, errors);
  if (CountsInstructions(experiment) && experiment.guest.cpus != 1)
    root.Error("guest", "substrate \"icount\" counts one processor's instructions; set cpus = 1");
  const std::vector<EngineDescriptor> engines = ReadEngines(root, errors);
  for (const toml::table* arm : root.Tables("arm"))
    experiment.arms.push_back(ReadArm(*arm, engines, errors));
  experiment.engines = UsedEngines(engines, experiment.arms);
  std::erase_if(experiment.engines, IsInImages);
  for (const toml::table* job : root.Tables("job"))
    experiment.jobs.push_back(ReadJob(*job, errors));
  experiment.programs = ReadPrograms(root);
  if (CountsInstructions(experiment) && !experiment.programs.empty())
    root.Error("programs", "substrate \"icount\" counts loads of its own; remove \"programs\"");
}

}  // namespace

tl::expected<Experiment, std::string> ParseExperiment(const std::string& toml_text,
                                                      const std::string& file_name) {
  auto parsed = ParseToml(toml_text, file_name);
  if (!parsed) return tl::unexpected(parsed.error());
  const toml::table& document = *parsed;
  TomlErrors errors{file_name, ""};
  TomlReader root(document, "the experiment",
                  {"name", "description", "substrate", "seed", "blocks", "arm", "job", "promises",
                   "upgrade", "guest", "cases", "host", "engine", "noise", "programs"},
                  errors);
  Experiment experiment;
  experiment.name = root.RequiredText("name");
  if (!experiment.name.empty() && !IsPlainName(experiment.name, "-_")) {
    root.Error("name",
               fmt::format("name \"{}\" may hold only {}; it becomes part of a folder's name",
                           experiment.name, PlainNameWords("-_")));
  }
  experiment.description = root.Text("description", "");
  experiment.substrate =
      root.Choice("substrate", experiment.substrate, {"auto", "kvm", "tcg", "icount", "host"});
  experiment.seed =
      static_cast<uint64_t>(root.Integer("seed", 1, 0, std::numeric_limits<int64_t>::max()));
  experiment.blocks = static_cast<int>(root.Integer("blocks", experiment.blocks, 1, 1000));
  if (OnHost(experiment)) {
    ReadHostExperiment(document, root, errors, experiment);
  } else {
    ReadGuestExperiment(document, root, errors, experiment);
  }
  experiment.noise = ReadNoiseRules(root, errors);
  CheckArms(experiment, root);
  CheckJobs(experiment, root);
  if (!errors.first.empty()) return tl::unexpected(errors.first);
  experiment.spec_sha256 = Sha256Hex(toml_text);
  return experiment;
}

}  // namespace blendbench
