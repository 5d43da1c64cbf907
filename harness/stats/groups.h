// SPDX-License-Identifier: MIT
// Whether groups of values share one mean: the level above the blocks, when blocks were measured on several
// machines. Pure; thread-safe.
#pragma once

#include <vector>

namespace blendbench::stats {

// One-way analysis of variance (Fisher): the p value of "all groups have one mean". Empty groups do not count.
// NaN when there are fewer than two groups, or no group has two values, so that the scatter within one is unknown.
double GroupsDifferP(const std::vector<std::vector<double>>& groups);

}  // namespace blendbench::stats
