// SPDX-License-Identifier: MIT
// Bias-corrected and accelerated bootstrap (Efron 1987) for statistics that have no exact interval. It is
// used for the noise of a machine, the standard deviation of A/A log ratios, in `blendbench calibrate`:
// there the normal theory's interval leans on the very normality that spikes of a busy host break. Verdicts
// never rest on it: for a mean of a handful of blocks it covers less than it says (stats_simulation_test),
// and the t and the signed-rank interval do not. Pure; thread-safe; the same seed gives the same interval.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "harness/stats/paired.h"

namespace blendbench::stats {

using Statistic = std::function<double(const std::vector<double>& values)>;

inline constexpr int kBootstrapResamples = 4000;
// With fewer values the jackknife says nothing of the skewness.
inline constexpr int kLeastForBootstrap = 4;

// nullopt below kLeastForBootstrap values, and where the statistic does not move (all values equal, say) or
// is not a number for some resample.
std::optional<Interval> BcaInterval(const std::vector<double>& values, const Statistic& statistic,
                                    uint64_t seed, double level = kLevel,
                                    int resamples = kBootstrapResamples);

}  // namespace blendbench::stats
