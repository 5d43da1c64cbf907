// SPDX-License-Identifier: MIT
// Rates of controls, and many comparisons at once. Pure; thread-safe.
#pragma once

#include <vector>

namespace blendbench::stats {

struct Rate {
  int hits = 0;
  int of = 0;
  double low = 0;  // two-sided 95 % Clopper-Pearson interval
  double high = 1;
};

// 0 <= hits <= of; with of = 0 nothing is known: [0, 1].
Rate ClopperPearson(int hits, int of, double level = 0.95);

// Holm's step-down adjustment: adjusted p values in the order given. NaN (no test was possible)
// stays NaN and does not count as a comparison.
std::vector<double> Holm(const std::vector<double>& p_values);

}  // namespace blendbench::stats
