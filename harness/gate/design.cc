// SPDX-License-Identifier: MIT
#include "harness/gate/design.h"

#include <algorithm>

#include "harness/stats/paired.h"
#include "harness/stats/sample_size.h"

namespace blendbench {
namespace {

constexpr double kWantedPower = 0.90;

// The verdict needs the signed-rank interval too, which needs blocks however small the noise is.
double PowerWith(double sd, double margin, int blocks) {
  return blocks < stats::kLeastForSignedRank ? 0 : stats::NonInferiorityPower(sd, margin, blocks);
}

MetricPower PowerOfMetric(const Metric& metric, const std::string& arm,
                          const std::string& reference, double margin, int blocks,
                          const NoiseOf& noise) {
  MetricPower one{metric, arm, reference, margin, noise(metric, arm, reference), {}, {}};
  if (!one.noise) return one;
  one.power = PowerWith(one.noise->sd, margin, blocks);
  one.blocks = stats::BlocksForPower(one.noise->sd, margin, kWantedPower);
  return one;
}

void SumUp(DesignPower& design) {
  double miss = 0, most = 1;
  int blocks = 0;
  bool enough = true;
  for (const MetricPower& one : design.metrics) {
    if (!one.power) return;
    miss += 1 - *one.power;
    most = std::min(most, *one.power);
    enough = enough && one.blocks.has_value();
    blocks = std::max(blocks, one.blocks.value_or(0));
  }
  design.least = std::max(0.0, 1 - miss);
  design.most = most;
  if (enough) design.blocks = blocks;
}

}  // namespace

std::vector<DesignPower> PowerOfDesign(const Experiment& experiment,
                                       const std::vector<Claim>& claims, const NoiseOf& noise) {
  std::vector<DesignPower> designs;
  const std::vector<Metric> all = MetricsOf(experiment);
  auto add = [&](DesignPower design) {
    SumUp(design);
    if (!design.metrics.empty()) designs.push_back(std::move(design));
  };
  for (const Claim& claim : claims) {
    if (claim.rule != Rule::kNonInferiority) continue;
    if (!FindArm(experiment, claim.arm) || !FindArm(experiment, claim.reference)) continue;
    DesignPower design{claim.id, {}, {}, {}, {}};
    std::vector<std::string> unmatched;
    for (const Metric& metric : MetricsOfClaim(claim, all, unmatched))
      design.metrics.push_back(PowerOfMetric(metric, claim.arm, claim.reference, claim.margin,
                                             experiment.blocks, noise));
    add(std::move(design));
  }
  if (!claims.empty()) return designs;
  const Arm* reference = ReferenceOf(experiment);
  for (const Arm& arm : experiment.arms) {
    if (!reference || arm.reference || arm.control) continue;
    DesignPower design{"", {}, {}, {}, {}};
    for (const Metric& metric : all) {
      if (metric.family == "setup") continue;
      design.metrics.push_back(
          PowerOfMetric(metric, arm.id, reference->id, kDefaultMargin, experiment.blocks, noise));
    }
    add(std::move(design));
  }
  return designs;
}

std::optional<double> LargestNoise(int blocks, double margin) {
  double low = 1e-6, high = 10;  // power falls as noise grows
  if (PowerWith(low, margin, blocks) < kWantedPower) return std::nullopt;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (PowerWith(middle, margin, blocks) >= kWantedPower ? low : high) = middle;
  }
  return low;
}

}  // namespace blendbench
