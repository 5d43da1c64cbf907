// SPDX-License-Identifier: MIT
// From samples to comparisons: each arm against the reference, metric by metric, paired by block.
// Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/sample.h"
#include "harness/gate/claims.h"
#include "harness/spec/experiment.h"
#include "harness/spec/metrics.h"
#include "harness/stats/verdict.h"

namespace blendbench {

struct Pair {
  int block = 0;
  double log_ratio = 0;  // ln(arm / reference), sign turned so that + is worse
};

struct Comparison {
  Metric metric;
  std::string arm;
  std::string reference;
  bool control = false;  // the arm is the reference again
  double margin = kDefaultMargin;
  std::vector<Pair> pairs;  // by block
  stats::Judged judged;
  double p_holm = 0;  // judged.p_different, adjusted over all comparisons that are no controls; NaN
                      // when there is none
  std::optional<int>
      blocks_for_power;  // 90 % power for this margin, from the blinded SD; nullopt when unknown
};

// Every arm but the reference, every metric but the harness's own set-up. Only blocks enter in which
// both arms have a sample with the metric above zero; a failed guest has no metrics. A control is
// judged by the strictest margin any claim sets for the metric. Blocks that break
// the experiment's rules on noise are left out, whole.
std::vector<Comparison> CompareArms(const Experiment& experiment,
                                    const std::vector<Sample>& samples,
                                    const std::vector<Claim>& claims);

// The comparison of one arm with another than the experiment's reference, for claims that name one.
Comparison CompareOne(const Metric& metric, const std::string& arm, const std::string& reference,
                      double margin, const std::vector<Sample>& samples);

struct Failures {
  int total = 0;
  std::map<std::string, int> by_arm;  // arms without failures are left out
};
Failures CountFailures(const std::vector<Sample>& samples);

}  // namespace blendbench
