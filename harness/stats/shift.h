// SPDX-License-Identifier: MIT
// Has a number got worse between a baseline and a later run? Two unpaired samples of logarithms, one
// value per block, + is worse; the baseline may be several runs, whose spread then counts as well.
// Pure; thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "harness/stats/paired.h"

namespace blendbench::stats {

struct Shift {
  int n_baseline = 0;          // blocks, over all runs of the baseline
  int n_candidate = 0;         // blocks
  int runs = 0;                // of the baseline that have values
  double mean = 0;             // candidate minus baseline
  double hodges_lehmann = 0;   // median of all differences between a block here and one there
  double error = 0;            // standard error of `mean`
  double degrees = 0;          // of freedom, Satterthwaite's
  double between_runs_sd = 0;  // of the means of runs, beyond what their blocks explain; 0 when
                               // unknown (one run) or not seen
  std::optional<Interval> interval;  // 90 %, two-sided
  double p_worse = 1;                // one-sided, "not worse"; NaN when there is no test
  double p_better = 1;               // one-sided, "not better"; NaN when there is no test

  // The change that would be found for certain at this level: what the noise allows to see.
  double Detectable(double alpha) const;
};

// How much more the means of a baseline's runs differ than the noise of their blocks explains, as a
// ratio of variances: 1 when runs do not differ by themselves. nullopt for fewer than two runs, or
// blocks without noise.
std::optional<double> BetweenRuns(const std::vector<std::vector<double>>& runs);

// What other metrics of the same arm and the same runs tell of that ratio. A few runs alone tell it
// badly, and runs that are uneasy are so in most of their metrics.
struct Borrowed {
  double ratio = 1;    // mean of the others' BetweenRuns
  double degrees = 0;  // weight of it, as degrees of freedom; 0 for none
};

// Welch's test. With several runs in the baseline their means are compared as well: the variance of a
// run's mean is what its blocks explain or, if larger, what the runs show, moderated by what is
// borrowed. nullopt when a side has fewer than two blocks.
std::optional<Shift> CompareShift(const std::vector<std::vector<double>>& baseline_runs,
                                  const std::vector<double>& candidate,
                                  const Borrowed& borrowed = Borrowed());

// Median of the differences b - a over all pairs; NaN when a side is empty.
double ShiftHodgesLehmann(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace blendbench::stats
