// SPDX-License-Identifier: MIT
#include "harness/measure/host_arm.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/clock.h"
#include "harness/guest/hostile.h"
#include "harness/host/case_session.h"
#include "harness/host/isolated.h"
#include "harness/host/loop_mount.h"
#include "harness/measure/host_facts.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kCloneS = 300;
constexpr double kBesidesCasesS = 300;  // mounts, tear-down, syncing

std::string UtcNow() { return UtcText(std::chrono::system_clock::now()); }

// A folder that goes with everything in it.
class ArmFolder {
 public:
  explicit ArmFolder(fs::path path) : path_(std::move(path)) {}
  ArmFolder(const ArmFolder&) = delete;
  ArmFolder& operator=(const ArmFolder&) = delete;
  ~ArmFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

 private:
  fs::path path_;
};

void FailSample(Sample& sample, const std::string& phase, const std::string& reason) {
  sample.status = SampleStatus::kFailed;
  if (!sample.failure) sample.failure = Failure{phase, CleanText(reason), "", ""};
}

void AddConsole(Sample& sample, const fs::path& run_folder, const std::string& console) {
  if (!sample.failure) return;
  sample.failure->console = console;
  if (const Result<std::string> text = ReadFile(run_folder / console))
    sample.failure->console_tail = CleanTail(*text);
}

}  // namespace

HostArmMeasurer::HostArmMeasurer(HostArmSettings settings, Progress& progress,
                                 const Interrupt* interrupt)
    : settings_(std::move(settings)), progress_(progress), interrupt_(interrupt) {}

Result<Sample> HostArmMeasurer::Measure(const Step& step, const std::string& console, bool) {
  const auto& arms = settings_.experiment.arms;
  const auto arm = std::find_if(arms.begin(), arms.end(),
                                [&](const Arm& other) { return other.id == step.arm; });
  if (arm == arms.end())
    return Fail(ExitCode::kBroke, "the plan names an arm the experiment lacks: " + step.arm);
  const EngineHere& engine = settings_.engines.at(arm->engine);

  Sample sample;
  sample.block = step.block;
  sample.order = step.order;
  sample.arm = step.arm;
  sample.started = UtcNow();
  sample.raw = {{"cases", json::object()}, {"skipped", json::object()}};
  sample.provenance = settings_.provenance;
  sample.provenance["engine"] = {{"name", arm->engine},
                                 {"program", engine.descriptor.program},
                                 {"version", engine.version},
                                 {"sha256", engine.sha256}};
  sample.provenance["host_before"] = HostState();
  const int64_t from_ns = MonotonicNs();
  if (!engine.missing.empty()) {
    for (const HostCase& host_case : settings_.cases)
      sample.raw["skipped"][host_case.id] = engine.missing;
  } else {
    const fs::path folder = settings_.scratch / fmt::format("b{}-{}", step.block, step.arm);
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return tl::unexpected(FileError("make", folder, error.value()));
    const ArmFolder cleanup(folder);
    RunArm(*arm, engine, folder, console, sample);
  }
  if (interrupt_ != nullptr && interrupt_->raised())
    return Fail(ExitCode::kInterrupted, "interrupted");
  AddConsole(sample, settings_.run_folder, console);
  sample.duration_s = SecondsBetween(from_ns, MonotonicNs());
  sample.provenance["host_after"] = HostState();
  sample.provenance["finished"] = UtcNow();
  return sample;
}

void HostArmMeasurer::RunArm(const Arm& arm, const EngineHere& engine, const fs::path& folder,
                             const std::string& console, Sample& sample) {
  progress_.Phase("clone");
  const int64_t from_ns = MonotonicNs();
  CaseOrder order;
  order.engine = engine.descriptor;
  order.options = arm.engine_options;
  order.handicap = arm.handicap;
  order.cases = settings_.cases;
  order.skips = settings_.skips;
  order.folder = folder;
  order.image = folder / "image.ext4";
  order.blendload = settings_.blendload;
  order.nspawn = settings_.nspawn;
  order.guest_images = settings_.guest_images;
  order.workloads = settings_.workloads;
  order.case_timeout_s = settings_.experiment.host.case_timeout_s;
  order.boots = settings_.experiment.host.boots;
  const Outcome<void> cloned =
      CloneImage(settings_.template_image, order.image, Deadline::After(kCloneS), interrupt_);
  if (!cloned) return FailSample(sample, "clone", cloned.error());
  sample.metrics["setup.clones_s"] = SecondsBetween(from_ns, MonotonicNs());

  const double longest_s =
      kBesidesCasesS + order.case_timeout_s * static_cast<double>(order.cases.size());
  const Outcome<void> done =
      RunIsolated([&](const Say& say) { return RunCases(order, say); },
                  [&](const json& message) { Take(message, sample); },
                  settings_.run_folder / console, Deadline::After(longest_s), interrupt_);
  if (!done) FailSample(sample, "host", done.error());
}

void HostArmMeasurer::Take(const json& message, Sample& sample) {
  if (const auto phase = StringMember(message, "phase")) progress_.Phase(*phase);
  if (const auto type = StringMember(message, "type")) sample.raw["mount_type"] = *type;
  const auto id = StringMember(message, "case");
  const auto host_case = FindHostCase(id.value_or(""));
  if (!host_case) return;
  if (const auto why = StringMember(message, "skipped")) {
    sample.raw["skipped"][*id] = *why;
    return;
  }
  if (const auto why = StringMember(message, "failed")) {
    sample.raw["failed_cases"][*id] = *why;
    return FailSample(sample, "case:" + *id, *why);
  }
  const auto seconds = NumberMember(message, "seconds");
  const auto cpu_s = NumberMember(message, "cpu_s");
  const auto bytes = NumberMember(message, "bytes");
  if (!seconds || !cpu_s || !bytes || *seconds <= 0)
    return FailSample(sample, "case:" + *id, "no numbers came of it");
  sample.metrics[HostMetricId(*host_case)] = host_case->rate ? *bytes / 1e6 / *seconds : *seconds;
  sample.metrics[HostCpuMetricId(*host_case)] = *cpu_s;
  sample.raw["cases"][*id] = Member(message, "raw");
}

}  // namespace blendbench
