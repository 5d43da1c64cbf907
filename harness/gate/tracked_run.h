// SPDX-License-Identifier: MIT
// A run as tracking sees it, and its numbers: one a block. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/sample.h"
#include "harness/spec/experiment.h"
#include "harness/spec/metrics.h"

namespace blendbench {

// A run as far as tracking looks at it.
struct TrackedRun {
  std::string id;
  std::string created;    // UTC, ISO 8601
  std::string commit;     // of the sources, "" when unknown
  std::string substrate;  // what it ran on
  nlohmann::json host;    // facts of the machine
  Experiment experiment;
  std::vector<Sample> samples;
  size_t pending = 0;  // steps of the plan that have no sample yet
};

enum class Scale {
  kAuto,      // relative where there is another arm to relate to, absolute otherwise
  kRelative,  // each block's value over the reference's of the same block: the machine's own drift
              // cancels
  kAbsolute,  // the values themselves: the machine must be the same, and as busy
};

// One number a block: ln of the value, or of its ratio to the reference's; + is worse. For history
// as well.
std::vector<double> LogsByBlock(const TrackedRun& run, const std::string& arm, const Metric& metric,
                                bool relative);

// The arm marked as reference; "" when there is none.
std::string ReferenceArm(const Experiment& experiment);
// Whether the scale means "relative" for this arm of this experiment.
bool IsRelative(Scale scale, const Experiment& experiment, const std::string& arm);

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& text);

}  // namespace blendbench
