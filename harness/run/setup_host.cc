// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/process.h"
#include "harness/host/isolated.h"
#include "harness/host/program_case.h"
#include "harness/host/template_image.h"
#include "harness/measure/guest_programs.h"
#include "harness/measure/host_arm.h"
#include "harness/run/setup.h"
#include "harness/run/step_loop.h"
#include "harness/spec/disk_roles.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kTemplateS = 600;
constexpr double kUnpackS = 60;

std::vector<HostCase> CasesOf(const Experiment& experiment) {
  std::vector<HostCase> cases;
  for (const std::string& id : experiment.host.cases)
    if (const auto known = FindHostCase(id)) cases.push_back(*known);
  return cases;
}

Result<void> CheckRoom(const fs::path& scratch, const std::vector<HostCase>& cases) {
  const uint64_t needed = 2 * ArmBytes(cases);  // the template, and one arm's copy of it
  Result<uint64_t> available = FreeBytes(scratch);
  if (!available) return tl::unexpected(available.error());
  if (*available >= needed) return {};
  return Fail(ExitCode::kEnvironment,
              fmt::format("{}: {} MiB free, the cases may need {} MiB; free some space, or choose "
                          "another --out",
                          scratch.string(), *available >> 20, needed >> 20));
}

// Every engine of the experiment as this machine has it. A missing one is told now and in each of its
// samples.
std::map<std::string, EngineHere> LookForEngines(const Experiment& experiment,
                                                 const RunConfig& config, Progress& progress,
                                                 const Interrupt& interrupt) {
  std::map<std::string, EngineHere> engines;
  for (EngineDescriptor engine : experiment.engines) {
    const std::string name = engine.name;
    if (name == "blendfs" && !config.blendfs.empty()) engine.program = config.blendfs.string();
    EngineHere here = LookForEngine(std::move(engine), &interrupt);
    if (!here.missing.empty())
      progress.Warn({WarningKind::kNotMeasured, name, here.missing,
                     "its samples say so, the others are measured"});
    engines[name] = std::move(here);
  }
  return engines;
}

// Why a case cannot be run here, told once and in each sample.
class Skips {
 public:
  Skips(HostArmSettings& settings, Progress& progress) : settings_(settings), progress_(progress) {}

  void Add(const std::string& host_case, const std::string& why) {
    if (settings_.skips.emplace(host_case, why).second)
      progress_.Warn({WarningKind::kNotMeasured, host_case, why, "this case is skipped"});
  }

 private:
  HostArmSettings& settings_;
  Progress& progress_;
};

std::string Remedy(const ImageSet& images) {
  return "; build the images again with: vm-images/build --out " + images.folder.string();
}

// What the guest images must bring for the boot case; otherwise why it is skipped.
std::string PrepareBoot(const ImageSet& images, const HostCase& boot, HostArmSettings& settings) {
  settings.nspawn = FindProgram("systemd-nspawn");
  if (settings.nspawn.empty())
    return "not available here: there is no systemd-nspawn, install the package systemd-container";
  for (const std::string& name : ImagesOf(boot)) {
    const auto found = images.files.find(name);
    if (found == images.files.end())
      return fmt::format("there is no image \"{}\"{}", name, Remedy(images));
    settings.guest_images[name] = found->second.path;
  }
  return "";
}

// The same for what programs work on: unpacked beside their scripts.
std::string PrepareData(const ImageSet& images, const HostArmSettings& settings,
                        const Interrupt& interrupt) {
  const std::string remedy = Remedy(images);
  const auto found = images.files.find("workloads");
  if (found == images.files.end())
    return "the guest images bring nothing for it to work on" + remedy;
  const auto unpacked =
      RunChecked({"tar", "xf", found->second.path.string(), "-C", settings.workloads.string()},
                 Deadline::After(kUnpackS), &interrupt);
  if (!unpacked) return found->second.path.string() + ": " + unpacked.error() + remedy;
  std::error_code ignored;
  for (const char* name : {"lua.tar", "package.deb"})
    if (!fs::exists(settings.workloads / name, ignored))
      return fmt::format("{}: there is no {} in it{}", found->second.path.string(), name, remedy);
  return "";
}

// The guest images for the cases that need them; without them these are skipped, unless the user named them. What
// is returned holds the images that are used.
Result<std::optional<ImageSet>> ImagesForCases(const RunConfig& config, HostArmSettings& settings,
                                               Progress& progress, const Interrupt& interrupt) {
  std::vector<HostCase> needy;
  std::copy_if(settings.cases.begin(), settings.cases.end(), std::back_inserter(needy),
               [](const HostCase& one) { return !ImagesOf(one).empty(); });
  if (needy.empty()) return std::nullopt;
  Result<ImageSet> images = LoadImages(config.images);
  if (!images && config.images_named) return tl::unexpected(images.error());
  std::string no_boot, no_data;  // why the images do not serve these
  if (!images) {
    no_boot = no_data = "no guest images: " + images.error().message;
  } else {
    const auto boot = std::find_if(needy.begin(), needy.end(), IsBootCase);
    if (boot != needy.end()) no_boot = PrepareBoot(*images, *boot, settings);
    if (!std::all_of(needy.begin(), needy.end(), IsBootCase))
      no_data = PrepareData(*images, settings, interrupt);
  }
  Skips skips(settings, progress);
  std::set<std::string> used;
  for (const HostCase& one : needy) {
    const std::string& why = IsBootCase(one) ? no_boot : no_data;
    if (!why.empty())
      skips.Add(one.id, why);
    else
      for (std::string& name : ImagesOf(one)) used.insert(std::move(name));
  }
  if (used.empty()) return std::nullopt;
  // Reading the digests of what nobody uses would take its time.
  KeepImages(*images, used);
  return std::move(*images);
}

// The scripts of the programs among the cases, in a folder of the run: what somebody changes meanwhile does not count.
// Returns their digests.
Result<nlohmann::json> PrepareScripts(const RunConfig& config, HostArmSettings& settings,
                                      Progress& progress) {
  Skips skips(settings, progress);
  std::vector<std::string> ids;
  for (const HostCase& host_case : settings.cases) {
    if (!IsProgramCase(host_case)) continue;
    ids.push_back(host_case.id);
    if (const std::string why = MissingProgram(*ProgramById(host_case.id)); !why.empty())
      skips.Add(host_case.id, why);
  }
  nlohmann::json digests = nlohmann::json::object();
  if (ids.empty()) return digests;
  settings.workloads = settings.scratch / "workloads";
  std::error_code error;
  fs::create_directories(settings.workloads, error);
  if (error) return tl::unexpected(FileError("make", settings.workloads, error.value()));
  Result<ScriptTexts> texts = ReadScripts(ids, config.programs);
  if (!texts) return tl::unexpected(texts.error());
  for (const auto& [name, text] : *texts) {
    if (Result<void> written = WriteFileAtomic(settings.workloads / name, text); !written)
      return tl::unexpected(written.error());
    digests[name] = Sha256Hex(text);
  }
  return digests;
}

Result<void> MakeTemplateImage(const HostArmSettings& settings, Progress& progress,
                               const Interrupt& interrupt) {
  progress.Note("making the image that every arm gets a copy of");
  TemplateOrder order;
  order.blendload = settings.blendload;
  order.image = settings.template_image;
  order.target = settings.scratch / "t";
  order.cases = settings.cases;
  std::error_code error;
  fs::create_directories(order.target, error);
  if (error) return tl::unexpected(FileError("make", order.target, error.value()));
  const Outcome<void> made =
      RunIsolated([&](const Say&) { return MakeTemplate(order, Deadline::After(kTemplateS)); },
                  [](const nlohmann::json&) {}, settings.run_folder / "console" / "template.log",
                  Deadline::After(kTemplateS), &interrupt);
  if (interrupt.raised())
    return Fail(ExitCode::kInterrupted, "interrupted while the template was made");
  if (made) return {};
  return Fail(ExitCode::kEnvironment, "the template image could not be made: " + made.error());
}

}  // namespace

Result<Prepared> PrepareHost(RunFolder& folder, const RunConfig& config, const fs::path& scratch,
                             Progress& progress, const Interrupt& interrupt) {
  HostArmSettings settings;
  settings.experiment = folder.plan().experiment;
  settings.cases = CasesOf(settings.experiment);
  settings.scratch = scratch;
  settings.run_folder = folder.dir();
  settings.template_image = scratch / "template.ext4";
  settings.blendload = FindProgram(config.blendload.string());
  if (settings.blendload.empty())
    return Fail(ExitCode::kEnvironment,
                config.blendload.string() +
                    ": there is no such program; build the target blendload, or name it with "
                    "--blendload");
  if (Result<void> room = CheckRoom(scratch, settings.cases); !room)
    return tl::unexpected(room.error());
  settings.engines = LookForEngines(settings.experiment, config, progress, interrupt);
  Result<nlohmann::json> scripts = PrepareScripts(config, settings, progress);
  if (!scripts) return tl::unexpected(scripts.error());
  Result<std::optional<ImageSet>> images = ImagesForCases(config, settings, progress, interrupt);
  if (!images) return tl::unexpected(images.error());

  Prepared prepared;
  Environment& environment = prepared.environment = BeginEnvironment(folder, config, interrupt);
  environment.substrate = "host";
  environment.substrate_reason = "the experiment asks for the host: no guests";
  for (const auto& [name, engine] : settings.engines)
    environment.host["engines"][name] = EngineState(engine);
  if (*images) {
    progress.Note("reading the images' digests");
    auto digests = CheckedDigests(**images, folder.environment(), interrupt);
    if (!digests) return tl::unexpected(digests.error());
    environment.images = std::move(*digests);
    environment.images_dir = (*images)->folder.string();
    prepared.images = std::move(**images);
  }
  if (Result<void> written = folder.WriteEnvironment(environment); !written)
    return tl::unexpected(written.error());
  settings.provenance = RunProvenance(folder, environment);
  if (!scripts->empty()) settings.provenance["script_sha256"] = std::move(*scripts);
  if (Result<std::string> digest = Sha256OfFile(settings.blendload))
    settings.provenance["blendload_sha256"] = *digest;
  if (Result<void> made = MakeTemplateImage(settings, progress, interrupt); !made)
    return tl::unexpected(made.error());
  prepared.step_estimate_s = EstimateStepSeconds(settings.experiment, false);
  prepared.measurer = std::make_unique<HostArmMeasurer>(std::move(settings), progress, &interrupt);
  return prepared;
}

}  // namespace blendbench
