// SPDX-License-Identifier: MIT
// How many blocks an experiment needs, from a blinded pilot, and how a verdict's rule behaves for a known
// truth. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace blendbench::stats {

// Power of the one-sided paired t test at 5 % to show non-inferiority when there is no true
// difference.
double NonInferiorityPower(double sd, double margin, int blocks);

// The same for equivalence (both one-sided tests at 5 %), when there is no true difference. By Owen's
// integral over the standard deviation that may be seen.
double EquivalencePower(double sd, double margin, int blocks);

// Fewest blocks (at least `least`) with power >= `power`, from the standard deviation of a pilot's
// differences alone: blinded, because the pilot's mean does not enter. nullopt when more than 10000
// would be needed.
std::optional<int> BlocksForPower(double sd, double margin, double power = 0.90, int least = 8);

// One-sided upper limit of a standard deviation seen in `n` normal differences (chi-squared). NaN below two.
double StandardDeviationLimit(double sd, int n, double level = 0.80);

// What a pilot says of the experiment to come. A pilot of few blocks knows its standard deviation badly:
// planning with its upper 80 % limit keeps the power in four of five cases (Browne 1995).
struct SampleSize {
  int pilot_blocks = 0;
  double sd = 0;                       // of the pilot's differences
  double sd_limit = 0;                 // its upper 80 % limit
  std::optional<int> blocks;           // 90 % power if sd is right
  std::optional<int> cautious_blocks;  // 90 % power if it is as large as the limit
};
// nullopt below two differences.
std::optional<SampleSize> PlanFromPilot(const std::vector<double>& differences, double margin);

// How often the whole rule (stats/verdict.h: both intervals must agree) gives each finding when the true
// effect is `truth` (a log ratio) and differences are normal. By simulation; the same seed, the same rates.
struct OperatingRates {
  double holds = 0, refuted = 0, inconclusive = 0;
  double seen_worse = 0;  // both intervals lie above 0
};
OperatingRates SimulateRule(double truth, double sd, double margin, int blocks, uint64_t seed,
                            int experiments = 2000);

}  // namespace blendbench::stats
