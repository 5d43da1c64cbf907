// SPDX-License-Identifier: MIT
// Has a run got worse than a baseline? Metric by metric, each with a threshold made of its own
// measured noise, Holm over the whole family of flags, one line of reason each
// (harness/TRACKING.md gives the rules in words). Pure: everything comes in, nothing is read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/gate/tracked_run.h"
#include "harness/stats/shift.h"

namespace blendbench {

struct GateOptions {
  std::vector<std::string> metrics;  // ids, * stands for any characters; empty for all
  std::vector<std::string> arms;     // likewise
  Scale scale = Scale::kAuto;
  double least_change = 0.03;  // smaller changes are nobody's business, however certain
  double blind_above = 0.25;   // a metric too noisy to see this change cannot be told of
  double alpha = 0.05;         // of the whole family: the chance of any false flag
  bool across_machines = false;
};

enum class Finding {
  kUnchanged,  // no change that the noise lets through
  kRegressed,
  kImproved,
  kBlind,    // the noise hides even a change of `blind_above`
  kMissing,  // one side did not measure it
  kLost,     // the arm failed where it did not fail before
};
const char* FindingName(Finding finding);  // "unchanged", ...

struct MetricShift {
  Metric metric;
  std::string arm;
  bool relative = false;
  bool control = false;  // the reference against itself: no flag of the family, a check on it
  std::optional<stats::Shift> shift;
  double p_holm = 1;     // of "worse" (of "better" where it improved), within the family; NaN
                         // without a test
  double threshold = 0;  // ln: the least change that is flagged for certain
  Finding finding = Finding::kMissing;
  std::string reason;  // one line
};

enum class GateVerdict { kPassed, kRegressed, kCannotTell };
const char* GateVerdictName(GateVerdict verdict);  // "passed", "regressed", "cannot tell"

struct GateResult {
  GateVerdict verdict = GateVerdict::kCannotTell;
  std::vector<std::string> reasons;  // at least one
  std::vector<std::string> notes;    // what a reader should know, and what decides nothing
  std::vector<MetricShift> shifts;   // by arm, then metric, in the candidate's order
};

// `baseline` holds one run or several (A/A runs tell how much runs differ by themselves).
GateResult CompareRuns(const std::vector<TrackedRun>& baseline, const TrackedRun& candidate,
                       const GateOptions& options);

}  // namespace blendbench
