// SPDX-License-Identifier: MIT
#include "harness/spec/parse_guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/base/text.h"
#include "harness/spec/parse_arm.h"
#include "harness/spec/parse_engine.h"
#include "harness/spec/program.h"

namespace blendbench {
namespace {

constexpr double kLongestWait_s = 24 * 3600;
const std::vector<std::string> kRoles = {"system", "app", "user", "overlay"};

// The name of the engine that carries the arm's root.
std::string ReadRootEngine(TomlReader& arm, Layout layout,
                           const std::vector<EngineDescriptor>& engines) {
  const std::string name = arm.Text("engine", "");
  std::vector<std::string> able;
  for (const EngineDescriptor& engine : engines) {
    if ((engine.kind == MountKind::kBlock) != (layout == Layout::kBlock)) continue;
    const auto why = WhyNot(engine, kTraitRoot);
    if (!why) able.push_back(engine.name);
    if (why && engine.name == name)
      arm.Error("engine", fmt::format("\"{}\" cannot carry a guest's root: it {}", name, *why));
  }
  return arm.Choice("engine", "", able);
}

std::map<std::string, std::string> ReadImages(TomlReader& arm, TomlErrors& errors) {
  std::map<std::string, std::string> images;
  const toml::table* table = arm.Table("images");
  if (table == nullptr) return images;
  TomlReader reader(*table, "arm.images", kRoles, errors);
  for (const std::string& role : kRoles) {
    const std::string name = reader.Text(role, "");
    if (name.empty()) continue;
    if (!IsPlainName(name, "_"))
      reader.Error(
          role, fmt::format("image \"{}\" may hold only {}; it is a name in the images' manifest",
                            name, PlainNameWords("_")));
    images[role] = name;
  }
  return images;
}

// What the guests of this arm have otherwise; `layout` says which of it means something.
ArmGuest ReadArmGuest(TomlReader& arm, Layout layout, bool crowd, TomlErrors& errors) {
  ArmGuest guest;
  guest.images = ReadImages(arm, errors);
  guest.layers = static_cast<int>(arm.Integer("layers", guest.layers, 1, kMostGuestLayers));
  if (guest.layers != kDefaultLayers && layout != Layout::kFine)
    arm.Error("layers", "only layout \"fine\" has layers to count; remove it");
  guest.memory_mib = static_cast<int>(arm.Integer("memory_mib", 0, 128, 1 << 20));
  guest.disk_mbps = arm.Number("disk_mbps", 0, 0.1, 1e6);
  guest.disk_iops = static_cast<int>(arm.Integer("disk_iops", 0, 1, 10'000'000));
  guest.guests = static_cast<int>(arm.Integer("guests", 1, 1, kMostGuestsAtOnce));
  if (guest.guests > 1 && !crowd)
    arm.Error("guests", "several guests at once are for an experiment with crowd = true");
  guest.user_at = arm.Choice("user_at", "/data", {"/data", "/home"});
  if (guest.user_at == "/data") {
    guest.user_at.clear();
  } else if (layout != Layout::kCoarse) {
    arm.Error("user_at", "only layout \"coarse\" mounts the user image somewhere; remove it");
  }
  return guest;
}

Arm ReadArm(const toml::table& table, const std::vector<EngineDescriptor>& engines,
            const Experiment& experiment, TomlErrors& errors) {
  TomlReader reader(
      table, "arm",
      {"id", "label", "layout", "engine", "engine_options", "reference", "control", "handicap",
       "images", "layers", "memory_mib", "disk_mbps", "disk_iops", "guests", "user_at", "at"},
      errors);
  Arm arm;
  arm.id = reader.RequiredText("id");
  if (!arm.id.empty() && !IsPlainName(arm.id, "-")) {
    reader.Error("id", fmt::format("id \"{}\" may hold only {}", arm.id, PlainNameWords("-")));
  }
  arm.label = reader.Text("label", arm.id);
  arm.layout = LayoutFromName(reader.Choice("layout", "", LayoutNames())).value_or(Layout::kCoarse);
  if (arm.layout == Layout::kFine || arm.layout == Layout::kBlock) {
    arm.engine = ReadRootEngine(reader, arm.layout, engines);
  } else if (!reader.Text("engine", "").empty()) {
    reader.Error("engine",
                 fmt::format("\"{}\" has an engine, which only the layouts \"fine\" and \"block\" "
                             "use; remove it",
                             arm.id));
  }
  if (experiment.crowd && arm.engine == kExportEngine)
    reader.Error("engine",
                 "what the host merges is not counted in a crowd; use an engine of guests");
  arm.engine_options = reader.Text("engine_options", "");
  // These go to the kernel command line, where a blank starts the next parameter.
  if (arm.engine_options.find_first_of(" \t\n\"") != std::string::npos) {
    reader.Error("engine_options", "must not hold blanks or quotes; separate options by commas");
  }
  if (arm.engine == kExportEngine && !arm.engine_options.empty() &&
      arm.engine_options != kCacheAlways)
    reader.Error("engine_options",
                 fmt::format("\"{}\" takes \"{}\" or nothing", arm.engine, kCacheAlways));
  arm.reference = reader.Flag("reference", false);
  arm.control = reader.Flag("control", false);
  arm.handicap = ReadHandicap(reader, false, errors);
  arm.guest = ReadArmGuest(reader, arm.layout, experiment.crowd, errors);
  if (table.contains("at")) {
    arm.at = reader.Number("at", 0, -1e12, 1e12);
    if (!experiment.dimension.any())
      reader.Error("at", "is a place on the experiment's [dimension], which is missing");
  }
  return arm;
}

Dimension ReadDimension(const toml::table& table, TomlErrors& errors) {
  TomlReader reader(table, "dimension", {"name", "label", "unit"}, errors);
  Dimension dimension;
  dimension.name = reader.RequiredText("name");
  if (!dimension.name.empty() && !IsPlainName(dimension.name, "_"))
    reader.Error("name",
                 fmt::format("name \"{}\" may hold only {}", dimension.name, PlainNameWords("_")));
  dimension.label = reader.Text("label", dimension.name);
  dimension.unit = reader.Text("unit", "");
  return dimension;
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

}  // namespace

void ReadGuestExperiment(const toml::table& document, TomlReader& root, TomlErrors& errors,
                         Experiment& experiment) {
  for (const char* key : {"cases", "host"})
    if (document.contains(key))
      root.Error(key, fmt::format("\"{}\" belongs to substrate = \"host\" alone", key));
  experiment.promises = root.Flag("promises", experiment.promises);
  experiment.crowd = root.Flag("crowd", experiment.crowd);
  experiment.upgrade = root.Flag("upgrade", !experiment.crowd);
  if (experiment.crowd && experiment.upgrade)
    root.Error("upgrade", "a crowd of guests is not upgraded; remove it");
  if (const toml::table* dimension = root.Table("dimension"))
    experiment.dimension = ReadDimension(*dimension, errors);
  if (const toml::table* guest = root.Table("guest")) experiment.guest = ReadGuest(*guest, errors);
  if (CountsInstructions(experiment) && experiment.guest.cpus != 1)
    root.Error("guest", "substrate \"icount\" counts one processor's instructions; set cpus = 1");
  const std::vector<EngineDescriptor> engines = ReadEngines(root, errors);
  for (const toml::table* arm : root.Tables("arm"))
    experiment.arms.push_back(ReadArm(*arm, engines, experiment, errors));
  experiment.engines = UsedEngines(engines, experiment.arms);
  std::erase_if(experiment.engines, IsInImages);
  for (const toml::table* job : root.Tables("job"))
    experiment.jobs.push_back(ReadJob(*job, errors));
  experiment.programs = ReadPrograms(root);
  if (CountsInstructions(experiment) && !experiment.programs.empty())
    root.Error("programs", "substrate \"icount\" counts loads of its own; remove \"programs\"");
  if (experiment.crowd && !(experiment.jobs.empty() && experiment.programs.empty()))
    root.Error("job", "a crowd of guests is counted, not timed; remove the jobs and programs");
  CheckJobs(experiment, root);
}

}  // namespace blendbench
