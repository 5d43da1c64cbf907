// SPDX-License-Identifier: MIT
#include "harness/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/probe.h"
#include "harness/measure/arm.h"
#include "harness/measure/clones.h"
#include "harness/measure/host_facts.h"
#include "harness/measure/images.h"
#include "harness/run/provenance.h"
#include "harness/run/step_loop.h"
#include "harness/spec/job_text.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

// A folder of this run alone. What an earlier blendbench left in it when it was killed goes first;
// the run folder's lock makes sure that nobody uses it.
class Scratch {
 public:
  static Result<Scratch> Make(const fs::path& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (!error) fs::create_directories(path, error);
    if (!error) fs::permissions(path, fs::perms::owner_all, error);
    if (error) return tl::unexpected(FileError("make", path, error.value()));
    return Scratch(path);
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty() && !keep_) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  void Keep() { keep_ = true; }

 private:
  explicit Scratch(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
  bool keep_ = false;
};

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

Result<std::map<std::string, std::string>> CheckedDigests(const ImageSet& images,
                                                          const Environment& known,
                                                          const Interrupt& interrupt) {
  auto digests = DigestImages(images, [&] { return !interrupt.raised(); });
  if (!digests) return digests;
  if (Result<void> good = CheckDigests(images, *digests); !good)
    return tl::unexpected(good.error());
  // A run has one set of images: samples of two sets must not be compared.
  for (const auto& [name, digest] : known.images)
    if (const auto found = digests->find(name); found != digests->end() && found->second != digest)
      return Fail(
          ExitCode::kEnvironment,
          fmt::format("{}: the image differs from the one this run began with; give it back, "
                      "or start a new run",
                      images.at(name).path.string()));
  return digests;
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

nlohmann::json RunProvenance(const RunFolder& folder, const Environment& environment,
                             const ImageSet& images) {
  return {{"spec_sha256", folder.plan().experiment.spec_sha256},
          {"plan_sha256", folder.plan_sha256()},
          {"seed", folder.plan().experiment.seed},
          {"substrate", environment.substrate},
          {"substrate_reason", environment.substrate_reason},
          {"git_commit", environment.git_commit},
          {"git_dirty", environment.git_dirty},
          {"blendbench_sha256", OwnDigest()},
          {"guest_kernel", images.kernel_version},
          {"images", environment.images},
          {"host", environment.host}};
}

void NoteLoad(const Sample& sample, nlohmann::json& host) {
  for (const char* moment : {"host_before", "host_after"}) {
    const double load =
        sample.provenance.value(moment, nlohmann::json::object()).value("load1", 0.0);
    host["load1_max"] = std::max(load, host.value("load1_max", 0.0));
  }
}

RunOutcome OutcomeOf(const RunFolder& folder) {
  RunOutcome outcome;
  outcome.steps = static_cast<int>(folder.plan().steps.size());
  outcome.done = outcome.steps - static_cast<int>(folder.PendingSteps().size());
  outcome.failed = static_cast<int>(
      std::count_if(folder.samples().begin(), folder.samples().end(),
                    [](const Sample& sample) { return sample.status == SampleStatus::kFailed; }));
  return outcome;
}

// Digests once more, and the end of the run: shared images must be as they were.
Result<void> Finish(RunFolder& folder, Environment environment, const ImageSet& images,
                    Progress& progress, const Interrupt& interrupt) {
  auto after = DigestImages(images, [&] { return !interrupt.raised(); });
  if (!after) return tl::unexpected(after.error());
  for (const auto& [name, digest] : *after)
    if (environment.images[name] != digest)
      progress.Note(fmt::format("{}: the image changed during the run", name));
  environment.images_after = std::move(*after);
  environment.finished = UtcText(std::chrono::system_clock::now());
  return folder.WriteEnvironment(environment);
}

}  // namespace

Result<RunOutcome> ExecuteRun(RunFolder& folder, const RunConfig& config, Progress& progress,
                              const Interrupt& interrupt) {
  const Experiment& experiment = folder.plan().experiment;
  const int total = static_cast<int>(folder.plan().steps.size());
  const int pending = static_cast<int>(folder.PendingSteps().size());
  if (pending == 0 && !folder.environment().finished.empty()) return OutcomeOf(folder);

  Result<ImageSet> images = LoadImages(config.images);
  if (!images) return tl::unexpected(images.error());
  auto jobs = ReadJobs(experiment, config.jobs);
  if (!jobs) return tl::unexpected(jobs.error());
  const Outcome<std::string> qemu_version = QemuVersion(config.qemu, &interrupt);
  if (!qemu_version) return Fail(ExitCode::kEnvironment, qemu_version.error());
  Result<Scratch> scratch = Scratch::Make(folder.dir() / "scratch");
  if (!scratch) return tl::unexpected(scratch.error());
  if (Result<void> room = CheckFreeSpace(scratch->path(), experiment); !room)
    return tl::unexpected(room.error());
  progress.Note("reading the images' digests");
  auto digests = CheckedDigests(*images, folder.environment(), interrupt);
  if (!digests) return tl::unexpected(digests.error());
  Result<SubstrateChoice> choice = ChooseForRun(folder, config, *images, interrupt);
  if (!choice) return tl::unexpected(choice.error());

  Environment environment = folder.environment();
  if (environment.created.empty()) environment.created = UtcText(std::chrono::system_clock::now());
  environment.substrate = SubstrateName(choice->substrate);
  environment.substrate_reason = choice->reason;
  const SourceState source = ReadSourceState(config.sources, &interrupt);
  environment.git_commit = source.commit;
  environment.git_dirty = source.dirty;
  environment.host.update(HostFacts());
  environment.host["qemu"] = *qemu_version;
  environment.images = *digests;
  environment.images_dir = images->folder.string();
  if (Result<void> written = folder.WriteEnvironment(environment); !written)
    return tl::unexpected(written.error());
  progress.Note(fmt::format("substrate {}: {}", environment.substrate, choice->reason));

  ArmSettings settings;
  settings.experiment = experiment;
  settings.images = *images;
  settings.job_texts = std::move(*jobs);
  settings.qemu = config.qemu;
  settings.substrate = choice->substrate;
  settings.direct_io = SupportsDirectIo(scratch->path());
  settings.run_folder = folder.dir();
  settings.scratch = scratch->path();
  settings.keep_failed_clones = config.keep_failed;
  settings.provenance = RunProvenance(folder, environment, *images);
  settings.provenance["direct_io"] = settings.direct_io;
  if (config.keep_failed) scratch->Keep();
  ArmMeasurer measurer(std::move(settings), progress, &interrupt);

  progress.RunStarted(total, total - pending,
                      EstimateStepSeconds(experiment, choice->substrate == Substrate::kTcg));
  auto measure = [&](const Step& step, const std::string& console, bool with_upgrade) {
    Result<Sample> sample = measurer.Measure(step, console, with_upgrade);
    if (sample) NoteLoad(*sample, environment.host);
    return sample;
  };
  if (Result<void> done = MeasurePending(folder, measure, progress, interrupt); !done)
    return tl::unexpected(done.error());
  if (Result<void> finished = Finish(folder, environment, *images, progress, interrupt); !finished)
    return tl::unexpected(finished.error());
  progress.RunFinished();
  return OutcomeOf(folder);
}

}  // namespace blendbench
