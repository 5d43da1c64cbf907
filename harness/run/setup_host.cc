// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "harness/base/files.h"
#include "harness/host/isolated.h"
#include "harness/host/template_image.h"
#include "harness/measure/host_arm.h"
#include "harness/run/setup.h"
#include "harness/run/step_loop.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kTemplateS = 600;

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

// The guest images for the boot case; without them the case is skipped, unless the user named them.
Result<std::optional<ImageSet>> ImagesForBoot(const RunConfig& config, HostArmSettings& settings,
                                              Progress& progress) {
  const auto boot = std::find_if(settings.cases.begin(), settings.cases.end(), IsBootCase);
  if (boot == settings.cases.end()) return std::nullopt;
  auto skip = [&](const std::string& why) {
    settings.skips[boot->id] = why;
    progress.Warn({WarningKind::kNotMeasured, boot->id, why, "this case is skipped"});
    return std::nullopt;
  };
  settings.nspawn = FindProgram("systemd-nspawn");
  if (settings.nspawn.empty())
    return skip(
        "not available here: there is no systemd-nspawn, install the package "
        "systemd-container");
  Result<ImageSet> images = LoadImages(config.images);
  if (!images && config.images_named) return tl::unexpected(images.error());
  if (!images) return skip("no guest images: " + images.error().message);
  for (const char* name : {"system", "app", "user", "monolithic"}) {
    const auto found = images->files.find(name);
    if (found == images->files.end()) return skip(fmt::format("there is no image \"{}\"", name));
    settings.guest_images[name] = found->second.path;
  }
  return std::move(*images);
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
  Result<std::optional<ImageSet>> images = ImagesForBoot(config, settings, progress);
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
  if (Result<std::string> digest = Sha256OfFile(settings.blendload))
    settings.provenance["blendload_sha256"] = *digest;
  if (Result<void> made = MakeTemplateImage(settings, progress, interrupt); !made)
    return tl::unexpected(made.error());
  prepared.step_estimate_s = EstimateStepSeconds(settings.experiment, false);
  prepared.measurer = std::make_unique<HostArmMeasurer>(std::move(settings), progress, &interrupt);
  return prepared;
}

}  // namespace blendbench
