// SPDX-License-Identifier: MIT
#include "harness/gate/compare.h"

#include <algorithm>
#include <cmath>

#include "harness/stats/rates.h"
#include "harness/stats/sample_size.h"

namespace blendbench {
namespace {

std::map<int, double> ValuesByBlock(const std::vector<Sample>& samples, const std::string& arm,
                                    const std::string& metric) {
  std::map<int, double> values;
  for (const Sample& sample : samples) {
    // A failed guest has no metrics; a failed sample of the host has those of the cases that succeeded.
    if (sample.arm != arm) continue;
    const auto found = sample.metrics.find(metric);
    if (found != sample.metrics.end()) values.emplace(sample.block, found->second);
  }
  return values;
}

double ControlMargin(const std::vector<Claim>& claims, const std::string& metric) {
  double margin = kDefaultMargin;
  for (const Claim& claim : claims) margin = std::min(margin, MarginFor(claims, claim.arm, metric));
  return margin;
}

void AdjustForMany(std::vector<Comparison>& comparisons) {
  std::vector<double> p_values;
  for (const Comparison& comparison : comparisons) {
    p_values.push_back(comparison.control ? std::nan("") : comparison.judged.p_different);
  }
  const std::vector<double> adjusted = stats::Holm(p_values);
  for (size_t i = 0; i < comparisons.size(); ++i) comparisons[i].p_holm = adjusted[i];
}

}  // namespace

Comparison CompareOne(const Metric& metric, const std::string& arm, const std::string& reference,
                      double margin, const std::vector<Sample>& samples) {
  Comparison comparison;
  comparison.metric = metric;
  comparison.arm = arm;
  comparison.reference = reference;
  comparison.margin = margin;
  const std::map<int, double> reference_values = ValuesByBlock(samples, reference, metric.id);
  std::vector<double> differences;
  for (const auto& [block, value] : ValuesByBlock(samples, arm, metric.id)) {
    const auto partner = reference_values.find(block);
    if (partner == reference_values.end()) continue;
    const auto ratio = stats::LogRatio(value, partner->second, metric.lower_is_better);
    if (!ratio) continue;
    comparison.pairs.push_back({block, *ratio});
    differences.push_back(*ratio);
  }
  comparison.judged = stats::Judge(differences, margin);
  comparison.p_holm = comparison.judged.p_different;
  if (std::isfinite(comparison.judged.sd)) {
    comparison.blocks_for_power = stats::BlocksForPower(comparison.judged.sd, margin);
  }
  return comparison;
}

std::vector<Comparison> CompareArms(const Experiment& experiment,
                                    const std::vector<Sample>& samples,
                                    const std::vector<Claim>& claims) {
  const auto reference = std::find_if(experiment.arms.begin(), experiment.arms.end(),
                                      [](const Arm& arm) { return arm.reference; });
  if (reference == experiment.arms.end()) return {};
  const std::vector<Sample> kept = WithoutBlocks(samples, NoisyBlocks(experiment.noise, samples));
  std::vector<Comparison> comparisons;
  for (const Arm& arm : experiment.arms) {
    if (arm.reference) continue;
    for (const Metric& metric : MetricsOf(experiment)) {
      if (metric.family == "setup") continue;
      const double margin =
          arm.control ? ControlMargin(claims, metric.id) : MarginFor(claims, arm.id, metric.id);
      comparisons.push_back(CompareOne(metric, arm.id, reference->id, margin, kept));
      comparisons.back().control = arm.control;
    }
  }
  AdjustForMany(comparisons);
  return comparisons;
}

Failures CountFailures(const std::vector<Sample>& samples) {
  Failures failures;
  for (const Sample& sample : samples) {
    if (sample.status != SampleStatus::kFailed) continue;
    ++failures.total;
    ++failures.by_arm[sample.arm];
  }
  return failures;
}

}  // namespace blendbench
