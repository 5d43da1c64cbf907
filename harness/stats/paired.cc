// SPDX-License-Identifier: MIT
#include "harness/stats/paired.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "harness/stats/distributions.h"

namespace blendbench::stats {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> SortedWalshAverages(const std::vector<double>& values) {
  std::vector<double> averages;
  averages.reserve(values.size() * (values.size() + 1) / 2);
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i; j < values.size(); ++j) averages.push_back(0.5 * (values[i] + values[j]));
  }
  std::sort(averages.begin(), averages.end());
  return averages;
}

}  // namespace

std::optional<double> LogRatio(double arm, double reference, bool lower_is_better) {
  const bool usable = std::isfinite(arm) && std::isfinite(reference) && arm > 0 && reference > 0;
  if (!usable) return std::nullopt;
  const double log_ratio = std::log(arm / reference);
  if (!std::isfinite(log_ratio)) return std::nullopt;
  return lower_is_better ? log_ratio : -log_ratio;
}

double Mean(const std::vector<double>& values) {
  if (values.empty()) return kNan;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double StandardDeviation(const std::vector<double>& values) {
  if (values.size() < 2) return kNan;
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::optional<Interval> StudentInterval(const std::vector<double>& differences, double level) {
  if (differences.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(differences.size());
  const double reach =
      StudentQuantile(0.5 + level / 2, n - 1) * StandardDeviation(differences) / std::sqrt(n);
  const double mean = Mean(differences);
  return Interval{mean - reach, mean + reach, level};
}

double HodgesLehmann(const std::vector<double>& differences) {
  const std::vector<double> averages = SortedWalshAverages(differences);
  if (averages.empty()) return kNan;
  const size_t middle = averages.size() / 2;
  if (averages.size() % 2 == 1) return averages[middle];
  return 0.5 * (averages[middle - 1] + averages[middle]);
}

std::optional<Interval> SignedRankInterval(const std::vector<double>& differences, double level) {
  const size_t n = differences.size();
  if (n < 1 || n > static_cast<size_t>(kSignedRankLimit)) return std::nullopt;
  const std::vector<double> cdf = SignedRankCdf(static_cast<int>(n));
  const double tail = (1 - level) / 2;
  // How many of the smallest averages lie outside: the largest c with P(W <= c - 1) <= tail.
  size_t outside = 0;
  while (cdf[outside] <= tail) ++outside;
  if (outside == 0) return std::nullopt;
  const std::vector<double> averages = SortedWalshAverages(differences);
  return Interval{averages[outside - 1], averages[averages.size() - outside],
                  1 - 2 * cdf[outside - 1]};
}

double StudentPGreater(const std::vector<double>& differences, double bound) {
  if (differences.size() < 2) return kNan;
  const auto n = static_cast<double>(differences.size());
  const double distance = Mean(differences) - bound;
  const double error = StandardDeviation(differences) / std::sqrt(n);
  if (error == 0) return distance == 0 ? 0.5 : (distance > 0 ? 0.0 : 1.0);
  return StudentCdf(-distance / error, n - 1);
}

double StudentPLess(const std::vector<double>& differences, double bound) {
  return 1 - StudentPGreater(differences, bound);
}

double TostP(const std::vector<double>& differences, double bound) {
  if (differences.size() < 2) return kNan;
  return std::max(StudentPLess(differences, bound), StudentPGreater(differences, -bound));
}

double StudentPDifferent(const std::vector<double>& differences) {
  const double greater = StudentPGreater(differences, 0);
  if (std::isnan(greater)) return kNan;
  return std::min(1.0, 2 * std::min(greater, 1 - greater));
}

}  // namespace blendbench::stats
