// SPDX-License-Identifier: MIT
#include "harness/run/step_loop.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/measure/arm_session.h"
#include "harness/spec/host_case.h"
#include "harness/spec/program.h"

namespace blendbench {
namespace {

int IndexOf(const Plan& plan, const Step& step) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const Step& other) {
    return other.block == step.block && other.arm == step.arm;
  });
  return static_cast<int>(found - plan.steps.begin());
}

}  // namespace

bool WantsUpgrade(const RunFolder& folder, const Step& step) {
  const Experiment& experiment = folder.plan().experiment;
  if (!experiment.upgrade || !experiment.promises) return false;
  // Of blocks in folders of their own the first one shows it.
  const auto only = folder.only_block();
  if (only && *only != folder.plan().steps.front().block) return false;
  const auto arm = std::find_if(experiment.arms.begin(), experiment.arms.end(),
                                [&](const Arm& other) { return other.id == step.arm; });
  if (arm == experiment.arms.end() || !ShowsUpgrade(*arm)) return false;
  return std::none_of(folder.samples().begin(), folder.samples().end(), [&](const Sample& sample) {
    return sample.arm == step.arm && sample.raw.is_object() && sample.raw.contains("upgrade");
  });
}

namespace {

// Guests at once take turns at the processors.
double CrowdSeconds(const Experiment& experiment, double boot_s) {
  double guests = 0;
  for (const Arm& arm : experiment.arms) guests += arm.guest.guests;
  return boot_s * guests / static_cast<double>(std::max<size_t>(1, experiment.arms.size()));
}

}  // namespace

double EstimateStepSeconds(const Experiment& experiment, bool emulated) {
  if (OnHost(experiment)) {
    double cases_s = 5;  // the copy of the template
    for (const std::string& id : experiment.host.cases)
      if (const auto known = FindHostCase(id)) cases_s += known->estimate_s + 0.3;
    return cases_s;
  }
  double jobs_s = 0;
  for (const FioJob& job : experiment.jobs) jobs_s += job.runtime_s + (emulated ? 5 : 1.5);
  for (const std::string& id : experiment.programs)
    if (const Program* program = ProgramById(id))
      jobs_s += emulated ? program->emulated_estimate_s : program->estimate_s;
  const double boot_s = emulated ? 30 : 8;
  return experiment.crowd ? CrowdSeconds(experiment, boot_s) : jobs_s + boot_s;
}

Result<void> MeasurePending(RunFolder& folder, const MeasureStep& measure, Progress& progress,
                            const Interrupt& interrupt) {
  for (const Step& step : folder.PendingSteps()) {
    if (interrupt.raised())
      return Fail(ExitCode::kInterrupted,
                  "interrupted; run it again with --resume to continue " + folder.id());
    const int index = IndexOf(folder.plan(), step);
    progress.StepStarted(index, step.block, step.arm);
    Result<Sample> sample = measure(step, folder.ConsoleName(step), WantsUpgrade(folder, step));
    if (!sample) {
      if (sample.error().code != ExitCode::kInterrupted) return tl::unexpected(sample.error());
      return Fail(ExitCode::kInterrupted,
                  fmt::format("{} in block {}, arm {}; run it again with --resume to continue {}",
                              sample.error().message, step.block, step.arm, folder.id()));
    }
    if (Result<void> appended = folder.Append(*sample); !appended) return appended;
    progress.StepFinished(index, *sample);
  }
  return {};
}

}  // namespace blendbench
