// SPDX-License-Identifier: MIT
#include "harness/measure/arm.h"

#include <chrono>
#include <optional>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/guest.h"
#include "harness/measure/arm_session.h"
#include "harness/measure/clones.h"
#include "harness/measure/crowd.h"
#include "harness/measure/host_facts.h"

namespace blendbench {
namespace {

std::string UtcNow() { return UtcText(std::chrono::system_clock::now()); }

}  // namespace

ArmMeasurer::ArmMeasurer(ArmSettings settings, Progress& progress, const Interrupt* interrupt)
    : settings_(std::move(settings)), progress_(progress), interrupt_(interrupt) {}

Result<Sample> ArmMeasurer::Measure(const Step& step, const std::string& console,
                                    bool with_upgrade) {
  const Arm* arm = FindArm(settings_.experiment, step.arm);
  if (arm == nullptr)
    return Fail(ExitCode::kBroke, "the plan names an arm the experiment lacks: " + step.arm);
  const uint64_t copies = CrowdCopies(settings_.experiment, settings_.images);
  if (Result<void> room = CheckFreeSpace(settings_.scratch, settings_.experiment, copies); !room)
    return tl::unexpected(room.error());

  if (Result<void> same = CheckUnchanged(settings_.images); !same)
    return tl::unexpected(same.error());

  Sample sample;
  sample.block = step.block;
  sample.order = step.order;
  sample.arm = step.arm;
  sample.started = UtcNow();
  sample.raw = nlohmann::json::object();
  sample.provenance = settings_.provenance;
  sample.provenance["host_before"] = HostState();
  const int64_t from_ns = MonotonicNs();

  const std::string folder = "b" + std::to_string(step.block) + "-" + step.arm;
  Result<void> measured = settings_.experiment.crowd
                              ? MeasureCrowd(*arm, folder, console, sample)
                              : MeasureGuest(*arm, folder, console, with_upgrade, sample);
  if (!measured) return tl::unexpected(measured.error());
  if (interrupt_ != nullptr && interrupt_->raised())
    return Fail(ExitCode::kInterrupted, "interrupted");
  if (sample.status == SampleStatus::kFailed) {
    sample.raw["partial_metrics"] = sample.metrics;
    sample.metrics.clear();
  }
  sample.duration_s = SecondsBetween(from_ns, MonotonicNs());
  sample.provenance["host_after"] = HostState();
  sample.provenance["finished"] = UtcNow();
  return sample;
}

Result<void> ArmMeasurer::MeasureGuest(const Arm& arm, const std::string& folder,
                                       const std::string& console, bool with_upgrade,
                                       Sample& sample) {
  progress_.Phase("clone");
  const int64_t from_ns = MonotonicNs();
  Result<CloneSet> clones = FreshClones(DiskRoles(arm, false), folder);
  if (!clones) return tl::unexpected(clones.error());
  sample.metrics["setup.clones_s"] = SecondsBetween(from_ns, MonotonicNs());
  ArmSession session(settings_, arm, *clones, progress_, interrupt_, sample);
  session.Run(console);
  if (sample.status == SampleStatus::kOk && with_upgrade) session.Upgrade(console);
  if (sample.status == SampleStatus::kFailed && settings_.keep_failed_clones) clones->Keep();
  if (session.host_error()) return tl::unexpected(*session.host_error());
  return {};
}

Result<void> ArmMeasurer::MeasureCrowd(const Arm& arm, const std::string& folder,
                                       const std::string& console, Sample& sample) {
  progress_.Phase("clone");
  const int64_t from_ns = MonotonicNs();
  std::vector<CloneSet> clones;
  for (int user = 0; user < arm.guest.guests; ++user) {
    Result<CloneSet> one = FreshClones(CrowdRoles(arm), folder + "-" + std::to_string(user));
    if (!one) return tl::unexpected(one.error());
    clones.push_back(std::move(*one));
  }
  sample.metrics["setup.clones_s"] = SecondsBetween(from_ns, MonotonicNs());
  Crowd crowd(settings_, arm, clones, progress_, interrupt_, sample);
  crowd.Run(console);
  if (sample.status == SampleStatus::kFailed && settings_.keep_failed_clones)
    for (CloneSet& one : clones) one.Keep();
  if (crowd.host_error()) return tl::unexpected(*crowd.host_error());
  return {};
}

// In a folder of their own, so that kept clones of one arm do not meet the next arm's.
Result<CloneSet> ArmMeasurer::FreshClones(const std::vector<DiskRole>& roles,
                                          const std::string& folder_name) {
  const std::filesystem::path folder = settings_.scratch / folder_name;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return tl::unexpected(FileError("make", folder, error.value()));
  Result<CloneSet> clones = CloneSet::Make(settings_.images, roles, folder, interrupt_);
  if (clones) EvictFromHostCache(clones->disks());
  return clones;
}

Result<nlohmann::json> ArmMeasurer::Diagnose(const Arm& arm, const std::string& console) {
  progress_.Phase("diagnosis");
  Result<CloneSet> clones = FreshClones(DiskRoles(arm, false), "diagnosis-" + arm.id);
  if (!clones) return tl::unexpected(clones.error());
  Sample unused;
  ArmSession session(settings_, arm, *clones, progress_, interrupt_, unused);
  Outcome<nlohmann::json> told = session.Diagnose(console);
  if (interrupt_ != nullptr && interrupt_->raised())
    return Fail(ExitCode::kInterrupted, "interrupted");
  if (session.host_error()) return tl::unexpected(*session.host_error());
  if (!told) return nlohmann::json{{"failure", CleanTail(told.error(), 1, 1000)}};
  return std::move(*told);
}

}  // namespace blendbench
