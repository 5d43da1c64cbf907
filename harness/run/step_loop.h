// SPDX-License-Identifier: MIT
// The loop over a plan's pending steps, apart from what a step does, so that tests drive it without
// guests.
// Thread-safety: one thread.
#pragma once

#include <functional>
#include <string>

#include "harness/base/exit_code.h"
#include "harness/base/progress.h"
#include "harness/base/sample.h"
#include "harness/guest/event_loop.h"
#include "harness/store/run_folder.h"

namespace blendbench {

// Measures one step. An error means that the step has no sample.
using MeasureStep =
    std::function<Result<Sample>(const Step& step, const std::string& console, bool with_upgrade)>;

// Measures the steps without a sample in the plan's order and appends each sample before the next
// step begins. Stops at the first error and hands it on.
Result<void> MeasurePending(RunFolder& folder, const MeasureStep& measure, Progress& progress,
                            const Interrupt& interrupt);

// Whether the step is the one that shows its arm's upgrade: the experiment wants it, the arm has a
// system image to exchange, and no sample of the arm has shown it yet.
bool WantsUpgrade(const RunFolder& folder, const Step& step);

// A guess for the first estimate of the time left, in seconds.
double EstimateStepSeconds(const Experiment& experiment, bool emulated);

}  // namespace blendbench
