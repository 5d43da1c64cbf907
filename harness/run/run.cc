// SPDX-License-Identifier: MIT
#include "harness/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/measure/noise_meter.h"
#include "harness/measure/tuning.h"
#include "harness/run/setup.h"
#include "harness/run/step_loop.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kQuietS = 0.3;  // a look at what others do, before each step

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

void NoteLoad(const Sample& sample, nlohmann::json& host) {
  for (const char* moment : {"host_before", "host_after"}) {
    const double load =
        sample.provenance.value(moment, nlohmann::json::object()).value("load1", 0.0);
    host["load1_max"] = std::max(load, host.value("load1_max", 0.0));
  }
}

// Digests once more, and the end of the run: shared images must be as they were.
Result<void> Finish(RunFolder& folder, Prepared& prepared, Progress& progress,
                    const Interrupt& interrupt) {
  Environment& environment = prepared.environment;
  if (prepared.images) {
    auto after = DigestImages(*prepared.images, [&] { return !interrupt.raised(); });
    if (!after) return tl::unexpected(after.error());
    for (const auto& [name, digest] : *after)
      if (environment.images[name] != digest)
        progress.Warn({WarningKind::kImageChanged, name, "the image changed during the run",
                       "find what wrote to it, build the images again and start a new run"});
    environment.images_after = std::move(*after);
  }
  environment.finished = UtcText(std::chrono::system_clock::now());
  return folder.WriteEnvironment(environment);
}

// diagnosis.json: {ARM: what its guest told}. No sample: what fails here is in the file and nowhere else.
Result<void> DiagnoseArms(RunFolder& folder, StepMeasurer& measurer, Progress& progress,
                          const Interrupt& interrupt) {
  nlohmann::json told = nlohmann::json::object();
  for (const Arm& arm : folder.plan().experiment.arms) {
    if (arm.control || interrupt.raised()) continue;
    progress.Note("a diagnostic boot of " + arm.id);
    Result<nlohmann::json> one = measurer.Diagnose(arm, "console/diagnosis-" + arm.id + ".log");
    if (!one) return tl::unexpected(one.error());
    if (!one->is_null()) told[arm.id] = std::move(*one);
  }
  if (told.empty()) return {};
  return WriteFileAtomic(folder.dir() / "diagnosis.json", DumpJson(told));
}

}  // namespace

RunOutcome OutcomeOf(const RunFolder& folder) {
  RunOutcome outcome;
  outcome.steps = static_cast<int>(folder.Steps().size());
  outcome.done = outcome.steps - static_cast<int>(folder.PendingSteps().size());
  outcome.failed = static_cast<int>(
      std::count_if(folder.samples().begin(), folder.samples().end(),
                    [](const Sample& sample) { return sample.status == SampleStatus::kFailed; }));
  return outcome;
}

Result<RunOutcome> ExecuteRun(RunFolder& folder, const RunConfig& config, Progress& progress,
                              const Interrupt& interrupt) {
  const int total = static_cast<int>(folder.Steps().size());
  const int pending = static_cast<int>(folder.PendingSteps().size());
  if (pending == 0 && !folder.environment().finished.empty()) return OutcomeOf(folder);

  Result<Scratch> scratch = Scratch::Make(
      config.scratch.empty() ? fs::absolute(folder.dir()) / "scratch" : config.scratch);
  if (!scratch) return tl::unexpected(scratch.error());
  std::optional<Tuning> tuning;
  if (config.tune) {
    Result<Tuning> applied = Tuning::Apply(TuningRecord());
    if (!applied) return tl::unexpected(applied.error());
    tuning.emplace(std::move(*applied));
    for (const std::string& note : tuning->notes()) progress.Note("tuned " + note);
  }
  Result<Prepared> prepared =
      OnHost(folder.plan().experiment)
          ? PrepareHost(folder, config, scratch->path(), progress, interrupt)
          : PrepareGuests(folder, config, scratch->path(), progress, interrupt);
  if (!prepared) return tl::unexpected(prepared.error());
  progress.Note(fmt::format("substrate {}: {}", prepared->environment.substrate,
                            prepared->environment.substrate_reason));
  if (tuning) prepared->environment.host["tuned"] = tuning->notes();
  if (config.keep_failed) scratch->Keep();

  progress.RunStarted(total, total - pending, prepared->step_estimate_s);
  NoiseMeter meter;
  auto measure = [&](const Step& step, const std::string& console, bool with_upgrade) {
    meter.Before(kQuietS, &interrupt);
    Result<Sample> sample = prepared->measurer->Measure(step, console, with_upgrade);
    if (sample) sample->provenance["noise"] = meter.After();
    if (sample) NoteLoad(*sample, prepared->environment.host);
    return sample;
  };
  if (Result<void> done = MeasurePending(folder, measure, progress, interrupt); !done)
    return tl::unexpected(done.error());
  if (config.diagnose)
    if (Result<void> told = DiagnoseArms(folder, *prepared->measurer, progress, interrupt); !told)
      return tl::unexpected(told.error());
  if (Result<void> finished = Finish(folder, *prepared, progress, interrupt); !finished)
    return tl::unexpected(finished.error());
  progress.RunFinished();
  return OutcomeOf(folder);
}

}  // namespace blendbench
