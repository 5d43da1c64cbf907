// SPDX-License-Identifier: MIT
#include "harness/gate/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/stats/distributions.h"

namespace blendbench {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTolerance = 1e-9;

const Sample* SampleOf(const std::vector<Sample>& samples, int block, const std::string& arm) {
  const auto found = std::find_if(samples.begin(), samples.end(), [&](const Sample& sample) {
    return sample.block == block && sample.arm == arm;
  });
  return found == samples.end() ? nullptr : &*found;
}

std::optional<double> ValueOf(const Sample* sample, const std::string& metric) {
  if (!sample) return std::nullopt;
  const auto found = sample->metrics.find(metric);
  return found == sample->metrics.end() ? std::nullopt : std::optional(found->second);
}

// Why an arm has no value; "" when it has one.
std::string WhyMissing(const Sample* sample, const std::optional<double>& value,
                       const std::string& arm) {
  if (!sample) return arm + " has no sample";
  if (!value && sample->failure) return fmt::format("{} failed in {}", arm, sample->failure->phase);
  if (!value) return arm + " has no such metric";
  return *value > 0 && std::isfinite(*value) ? "" : arm + " is not above zero";
}

ExplainedBlock ExplainBlock(const Comparison& comparison, int block,
                            const std::vector<Sample>& samples) {
  const Sample* arm = SampleOf(samples, block, comparison.arm);
  const Sample* reference = SampleOf(samples, block, comparison.reference);
  ExplainedBlock one;
  one.block = block;
  one.arm = ValueOf(arm, comparison.metric.id);
  one.reference = ValueOf(reference, comparison.metric.id);
  one.left_out = WhyMissing(arm, one.arm, comparison.arm);
  if (one.left_out.empty())
    one.left_out = WhyMissing(reference, one.reference, comparison.reference);
  if (!one.left_out.empty()) return one;
  const double ratio = std::log(*one.arm / *one.reference);
  one.d = comparison.metric.lower_is_better ? ratio : -ratio;
  const bool counted = std::any_of(comparison.pairs.begin(), comparison.pairs.end(),
                                   [&](const Pair& pair) { return pair.block == block; });
  if (!counted) one.left_out = "the whole block is left out by the plan's rules on noise";
  return one;
}

// Mean, standard deviation, quantile and interval, step by step.
void ExplainStudent(const std::vector<double>& d, Explanation& told) {
  const auto n = static_cast<double>(d.size());
  double sum = 0, squares = 0;
  for (const double value : d) sum += value;
  told.mean = d.empty() ? kNan : sum / n;
  for (const double value : d) squares += (value - told.mean) * (value - told.mean);
  told.degrees = n - 1;
  told.sd = told.standard_error = told.t_quantile = kNan;
  if (d.size() < 2) return;
  told.sd = std::sqrt(squares / told.degrees);
  told.standard_error = told.sd / std::sqrt(n);
  told.t_quantile = stats::StudentQuantile(0.5 + stats::kLevel / 2, told.degrees);
  const double reach = told.t_quantile * told.standard_error;
  told.student = stats::Interval{told.mean - reach, told.mean + reach, stats::kLevel};
}

void ExplainSignedRank(const std::vector<double>& d, Explanation& told) {
  told.walsh_averages = static_cast<int>(d.size() * (d.size() + 1) / 2);
  told.signed_rank = stats::SignedRankInterval(d);
  if (!told.signed_rank) return;
  const std::vector<double> cdf = stats::SignedRankCdf(static_cast<int>(d.size()));
  const double tail = (1 - stats::kLevel) / 2;
  while (cdf[static_cast<size_t>(told.cut)] <= tail) ++told.cut;
}

bool Same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b);
  return std::abs(a - b) <= kTolerance * std::max(1.0, std::abs(b));
}

bool Same(const std::optional<stats::Interval>& a, const std::optional<stats::Interval>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return Same(a->low, b->low) && Same(a->high, b->high);
}

}  // namespace

Explanation Explain(const Comparison& comparison, int blocks_planned,
                    const std::vector<Sample>& samples) {
  Explanation told;
  told.comparison = comparison;
  std::vector<double> d;
  for (int block = 0; block < blocks_planned; ++block) {
    told.blocks.push_back(ExplainBlock(comparison, block, samples));
    if (told.blocks.back().left_out.empty()) d.push_back(*told.blocks.back().d);
  }
  ExplainStudent(d, told);
  ExplainSignedRank(d, told);
  told.bound = std::log1p(comparison.margin);
  if (told.student) told.student_says = stats::NonInferiority(*told.student, comparison.margin);
  if (told.signed_rank)
    told.signed_rank_says = stats::NonInferiority(*told.signed_rank, comparison.margin);
  if (told.student_says && told.signed_rank_says && told.student_says == told.signed_rank_says)
    told.finding = *told.student_says;
  return told;
}

std::string Disagreement(const Explanation& told) {
  const stats::Judged& judged = told.comparison.judged;
  if (!Same(told.mean, judged.mean))
    return fmt::format("the mean is {}, the verdict used {}", told.mean, judged.mean);
  if (!Same(told.sd, judged.sd))
    return fmt::format("the standard deviation is {}, the verdict used {}", told.sd, judged.sd);
  if (!Same(told.student, judged.student)) return "the t interval differs from the verdict's";
  if (!Same(told.signed_rank, judged.signed_rank))
    return "the signed-rank interval differs from the verdict's";
  if (told.finding != judged.non_inferiority.finding)
    return "the finding differs from the verdict's";
  return "";
}

}  // namespace blendbench
