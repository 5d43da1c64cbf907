// SPDX-License-Identifier: MIT
// Rates of controls, many comparisons at once, and how many blocks an experiment needs. Pure;
// thread-safe.
#pragma once

#include <optional>
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

// Power of the one-sided paired t test at 5 % to show non-inferiority when there is no true
// difference.
double NonInferiorityPower(double sd, double margin, int blocks);

// Fewest blocks (at least `least`) with power >= `power`, from the standard deviation of a pilot's
// differences alone: blinded, because the pilot's mean does not enter. nullopt when more than 10000
// would be needed.
std::optional<int> BlocksForPower(double sd, double margin, double power = 0.90, int least = 8);

}  // namespace blendbench::stats
