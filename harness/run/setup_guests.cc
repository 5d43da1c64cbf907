// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "harness/base/files.h"
#include "harness/guest/probe.h"
#include "harness/host/programs.h"
#include "harness/measure/arm.h"
#include "harness/measure/clones.h"
#include "harness/measure/crowd.h"
#include "harness/measure/engine_initramfs.h"
#include "harness/measure/guest_programs.h"
#include "harness/run/provenance.h"
#include "harness/run/setup.h"
#include "harness/run/step_loop.h"
#include "harness/spec/job_text.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

// Every job file is read and rendered once before the first guest boots.
Result<std::map<std::string, std::string>> ReadJobs(const Experiment& experiment,
                                                    const fs::path& folder) {
  std::map<std::string, std::string> texts;
  for (const FioJob& job : experiment.jobs) {
    Result<std::string> text = ReadFile(folder / job.file);
    if (!text) return tl::unexpected(text.error());
    if (const auto rendered = RenderJob(*text, job, JobPlace{}, 1); !rendered)
      return Fail(ExitCode::kUsage, rendered.error());
    texts[job.file] = std::move(*text);
  }
  return texts;
}

void RecordEngine(const std::string& name, const EngineHere& engine, Environment& environment) {
  environment.host["engines"][name] = EngineState(engine);
  environment.host["engine_sha256"][name] = engine.sha256;
}

void WarnNotMeasured(const std::string& subject, const std::string& reason, Progress& progress) {
  progress.Warn(
      {WarningKind::kNotMeasured, subject, reason, "its samples say so, the others are measured"});
}

// For each arm whose engine the images do not bring. A missing engine is told now and in each of its samples.
std::map<std::string, Result<fs::path>> EngineInitramfs(
    const Experiment& experiment, const fs::path& base, const fs::path& scratch,
    Environment& environment, Progress& progress, const Interrupt& interrupt) {
  std::map<std::string, Result<fs::path>> made;
  for (const Arm& arm : experiment.arms) {
    const EngineDescriptor* descriptor = FindEngine(experiment, arm.engine);
    if (descriptor == nullptr || descriptor->kind != MountKind::kProgram) continue;
    const EngineHere engine = LookForEngine(*descriptor, &interrupt);
    RecordEngine(arm.engine, engine, environment);
    const fs::path out = scratch / ("initramfs-" + arm.id + ".img");
    Result<void> written =
        engine.missing.empty()
            ? WriteEngineInitramfs(engine.descriptor, RootMountOrder(arm), base, out, &interrupt)
            : Fail(ExitCode::kEnvironment, engine.missing);
    if (!written) WarnNotMeasured(arm.id, written.error().message, progress);
    made.emplace(arm.id, written ? Result<fs::path>(out) : tl::unexpected(written.error()));
  }
  return made;
}

// The daemon that exports roots merged on this host, looked for once; "" where no arm wants it, or there is none.
fs::path LookForExporter(const Experiment& experiment, Environment& environment, Progress& progress,
                         const Interrupt& interrupt) {
  const bool wanted = std::any_of(experiment.arms.begin(), experiment.arms.end(),
                                  [](const Arm& arm) { return arm.engine == kExportEngine; });
  if (!wanted) return {};
  const EngineHere engine = LookForEngine(*FindEngine(experiment, kExportEngine), &interrupt);
  RecordEngine(kExportEngine, engine, environment);
  if (engine.missing.empty()) return engine.descriptor.program;
  WarnNotMeasured(kExportEngine, engine.missing + ", or run setup/install", progress);
  return {};
}

Result<SubstrateChoice> ChooseForRun(const RunFolder& folder, const RunConfig& config,
                                     const ImageSet& images, const Interrupt& interrupt) {
  ProbeInputs inputs;
  inputs.wanted = folder.plan().experiment.substrate;
  inputs.qemu = config.qemu;
  inputs.kernel = images.at("kernel").path.string();
  inputs.initramfs = images.at("initramfs").path.string();
  inputs.folder = folder.dir();
  Result<SubstrateChoice> choice = ChooseSubstrate(inputs, &interrupt);
  if (!choice) return choice;
  const std::string& began_on = folder.environment().substrate;
  if (!began_on.empty() && !folder.samples().empty() &&
      began_on != SubstrateName(choice->substrate))
    return Fail(ExitCode::kEnvironment,
                fmt::format("the run began on {}, now it would be {} ({}); start a new run",
                            began_on, SubstrateName(choice->substrate), choice->reason));
  return choice;
}

}  // namespace

Result<Prepared> PrepareGuests(RunFolder& folder, const RunConfig& config, const fs::path& scratch,
                               Progress& progress, const Interrupt& interrupt) {
  const Experiment& experiment = folder.plan().experiment;
  Result<ImageSet> images = LoadImages(config.images);
  if (!images) return tl::unexpected(images.error());
  if (Result<void> taken = TakeImages(*images, experiment); !taken)
    return tl::unexpected(taken.error());
  auto jobs = ReadJobs(experiment, config.jobs);
  if (!jobs) return tl::unexpected(jobs.error());
  auto scripts = ReadScripts(experiment.programs, config.programs);
  if (!scripts) return tl::unexpected(scripts.error());
  const Outcome<std::string> qemu_version = QemuVersion(config.qemu, &interrupt);
  if (!qemu_version) return Fail(ExitCode::kEnvironment, qemu_version.error());
  const uint64_t copies = CrowdCopies(experiment, *images);
  if (Result<void> room = CheckFreeSpace(scratch, experiment, copies); !room)
    return tl::unexpected(room.error());
  progress.Note("reading the images' digests");
  auto digests = CheckedDigests(*images, folder.environment(), interrupt);
  if (!digests) return tl::unexpected(digests.error());
  Result<SubstrateChoice> choice = ChooseForRun(folder, config, *images, interrupt);
  if (!choice) return tl::unexpected(choice.error());

  Prepared prepared;
  Environment& environment = prepared.environment = BeginEnvironment(folder, config, interrupt);
  environment.substrate = SubstrateName(choice->substrate);
  environment.substrate_reason = choice->reason;
  environment.host["qemu"] = *qemu_version;
  environment.images = *digests;
  environment.images_dir = images->folder.string();
  ArmSettings settings;
  settings.engine_initramfs = EngineInitramfs(experiment, images->at("initramfs").path, scratch,
                                              environment, progress, interrupt);
  settings.virtiofsd = LookForExporter(experiment, environment, progress, interrupt);
  if (Result<void> written = folder.WriteEnvironment(environment); !written)
    return tl::unexpected(written.error());
  settings.experiment = experiment;
  settings.images = *images;
  settings.job_texts = std::move(*jobs);
  settings.program_texts = std::move(*scripts);
  settings.qemu = config.qemu;
  settings.substrate = choice->substrate;
  // Where time is not measured the host's cache only saves it, and a crowd is measured by what it holds there.
  settings.direct_io =
      choice->substrate != Substrate::kIcount && !experiment.crowd && SupportsDirectIo(scratch);
  settings.run_folder = folder.dir();
  settings.scratch = scratch;
  settings.keep_failed_clones = config.keep_failed;
  settings.provenance = RunProvenance(folder, environment);
  settings.provenance["guest_kernel"] = images->kernel_version;
  settings.provenance["direct_io"] = settings.direct_io;
  prepared.measurer = std::make_unique<ArmMeasurer>(std::move(settings), progress, &interrupt);
  prepared.images = std::move(*images);
  prepared.step_estimate_s = EstimateStepSeconds(experiment, choice->substrate != Substrate::kKvm);
  return prepared;
}

}  // namespace blendbench
