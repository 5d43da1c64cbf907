// SPDX-License-Identifier: MIT
#include "harness/stats/groups.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "harness/stats/distributions.h"
#include "harness/stats/paired.h"

namespace blendbench::stats {

double GroupsDifferP(const std::vector<std::vector<double>>& groups) {
  std::vector<double> all;
  size_t count = 0;
  for (const std::vector<double>& group : groups) {
    if (!group.empty()) ++count;
    all.insert(all.end(), group.begin(), group.end());
  }
  if (count < 2 || all.size() <= count) return std::numeric_limits<double>::quiet_NaN();
  const double grand_mean = Mean(all);
  double between = 0, within = 0;
  for (const std::vector<double>& group : groups) {
    if (group.empty()) continue;
    const double mean = Mean(group);
    between += static_cast<double>(group.size()) * (mean - grand_mean) * (mean - grand_mean);
    for (const double value : group) within += (value - mean) * (value - mean);
  }
  const auto between_degrees = static_cast<double>(count - 1);
  const auto within_degrees = static_cast<double>(all.size() - count);
  // Without any scatter within the groups rounding alone would decide.
  if (within <= 1e-24 * static_cast<double>(all.size())) return between > 1e-18 ? 0.0 : 1.0;
  return FisherGreater((between / between_degrees) / (within / within_degrees), between_degrees,
                       within_degrees);
}

}  // namespace blendbench::stats
