// SPDX-License-Identifier: MIT
#include "harness/stats/rates.h"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <cmath>
#include <stdexcept>

namespace blendbench::stats {
Rate ClopperPearson(int hits, int of, double level) {
  if (hits < 0 || of < hits) throw std::domain_error("Clopper-Pearson: hits out of range");
  Rate rate{hits, of, 0, 1};
  const double tail = (1 - level) / 2;
  const double h = hits, n = of;
  if (hits > 0)
    rate.low = boost::math::quantile(boost::math::beta_distribution<>(h, n - h + 1), tail);
  if (hits < of) {
    rate.high = boost::math::quantile(boost::math::beta_distribution<>(h + 1, n - h), 1 - tail);
  }
  return rate;
}

std::vector<double> Holm(const std::vector<double>& p_values) {
  std::vector<size_t> order;
  for (size_t i = 0; i < p_values.size(); ++i) {
    if (!std::isnan(p_values[i])) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted = p_values;
  double floor = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double scaled = p_values[order[rank]] * static_cast<double>(order.size() - rank);
    floor = std::max(floor, std::min(1.0, scaled));
    adjusted[order[rank]] = floor;
  }
  return adjusted;
}

}  // namespace blendbench::stats
