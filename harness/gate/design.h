// SPDX-License-Identifier: MIT
// What chance a planned experiment has to decide its claims, from a noise that was stated or measured
// before. Blinded: only standard deviations enter, never a mean. Pure; thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/gate/claims.h"
#include "harness/spec/experiment.h"
#include "harness/spec/metrics.h"

namespace blendbench {

// How much d = ln(arm / reference) of one metric scatters between blocks.
struct Noise {
  double sd = 0;   // 0.03 is 3 %
  int blocks = 0;  // it was measured over; 0 when it was stated
};
// nullopt where nothing is known.
using NoiseOf = std::function<std::optional<Noise>(const Metric&, const std::string& arm,
                                                   const std::string& reference)>;

struct MetricPower {
  Metric metric;
  std::string arm;
  std::string reference;
  double margin = kDefaultMargin;
  std::optional<Noise> noise;
  std::optional<double> power;  // to show non-inferiority when there is no true difference
  std::optional<int>
      blocks;  // for 90 % power, at least 8; unknown too when ten thousand would not do
};

// One claim of the rule non-inferiority, or one arm that no claim names.
struct DesignPower {
  std::string claim;  // its id; "" for an arm
  std::vector<MetricPower> metrics;
  // A claim holds when every metric does. Whatever their dependence, its power lies between these; nullopt
  // when a metric's is unknown.
  std::optional<double> least, most;
  std::optional<int> blocks;  // the most that any metric asks for
};

// With claims, theirs; without, each arm against the reference at the default margin. Claims whose arms or
// metrics the experiment lacks are left out.
std::vector<DesignPower> PowerOfDesign(const Experiment& experiment,
                                       const std::vector<Claim>& claims, const NoiseOf& noise);

// The largest noise at which the experiment's blocks give 90 % power for `margin`; nullopt when no noise
// would be small enough (fewer blocks than the signed-rank interval needs).
std::optional<double> LargestNoise(int blocks, double margin);

}  // namespace blendbench
