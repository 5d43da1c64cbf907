// SPDX-License-Identifier: MIT
#include "harness/stats/bootstrap.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <random>

namespace blendbench::stats {
namespace {

double NormalQuantile(double probability) {
  return boost::math::quantile(boost::math::normal(), probability);
}
double NormalCdf(double z) { return boost::math::cdf(boost::math::normal(), z); }

// The replicates in order; empty when one is not a number.
std::vector<double> Replicates(const std::vector<double>& values, const Statistic& statistic,
                               uint64_t seed, int resamples) {
  std::mt19937_64 random(seed);
  std::vector<double> replicates, resample(values.size());
  for (int i = 0; i < resamples; ++i) {
    // Not std::uniform_int_distribution, which may differ between libraries; the bias is below 2^-40.
    for (double& value : resample) value = values[(random() >> 16) % values.size()];
    replicates.push_back(statistic(resample));
    if (!std::isfinite(replicates.back())) return {};
  }
  std::sort(replicates.begin(), replicates.end());
  return replicates;
}

// Of the statistic with each value left out in turn; NaN where it does not move.
double Acceleration(const std::vector<double>& values, const Statistic& statistic) {
  std::vector<double> without;
  for (size_t out = 0; out < values.size(); ++out) {
    std::vector<double> rest = values;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(out));
    without.push_back(statistic(rest));
  }
  const double mean = Mean(without);
  double squares = 0, cubes = 0;
  for (const double value : without) {
    squares += std::pow(mean - value, 2);
    cubes += std::pow(mean - value, 3);
  }
  return cubes / (6 * std::pow(squares, 1.5));
}

// Linear between neighbours, as NumPy has it.
double Percentile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::optional<Interval> BcaInterval(const std::vector<double>& values, const Statistic& statistic,
                                    uint64_t seed, double level, int resamples) {
  if (values.size() < static_cast<size_t>(kLeastForBootstrap)) return std::nullopt;
  const double estimate = statistic(values);
  const std::vector<double> sorted = Replicates(values, statistic, seed, resamples);
  if (sorted.empty() || !std::isfinite(estimate) || sorted.front() == sorted.back())
    return std::nullopt;
  const auto below = std::lower_bound(sorted.begin(), sorted.end(), estimate) - sorted.begin();
  const auto up_to = std::upper_bound(sorted.begin(), sorted.end(), estimate) - sorted.begin();
  const double share = static_cast<double>(below + up_to) / 2 / static_cast<double>(sorted.size());
  const double acceleration = Acceleration(values, statistic);
  if (share <= 0 || share >= 1 || !std::isfinite(acceleration)) return std::nullopt;
  const double bias = NormalQuantile(share);
  auto end = [&](double probability) {
    const double z = bias + NormalQuantile(probability);
    return Percentile(sorted, NormalCdf(bias + z / (1 - acceleration * z)));
  };
  return Interval{end((1 - level) / 2), end((1 + level) / 2), level};
}

}  // namespace blendbench::stats
