// SPDX-License-Identifier: MIT
// Where a series changes its level for good: E-divisive means (Matteson and James 2014, "A
// Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data"), with a seeded
// permutation test, so the same series always gives the same answer.
//
// Lone spikes must neither look like a change nor hide one. Before the search, a value that lies far
// from the median of its four nearest neighbours (5 robust standard deviations) while at least three
// of these lie close to it (3) is a spike: it is set to that median for the search and reported. At
// a true step the neighbours lie on two levels, so no value of it is taken for a spike. What is left
// is caught by the least length of a segment, and by the permutation test, which compares with
// series that hold the same spikes elsewhere. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace blendbench::stats {

struct ChangeOptions {
  double alpha = 0.05;  // of the first test, and of all tests of each further depth together
  int least = 3;        // values in a segment; so a change is seen once it has lasted this long
  int permutations = 999;
  uint64_t seed = 1;
};

struct ChangePoint {
  size_t index = 0;  // of the first value after the change
  double p = 1;
  double before = 0;  // median of the segment before, and after; spikes count as they were
  double after = 0;
};

struct Changes {
  std::vector<ChangePoint> points;  // by index
  std::vector<size_t> spikes;
  double first_p = 1;  // of the series as a whole: "it never changes"; 1 when too short to tell
};

// Values must be finite. At most kLongestSeries values are looked at: the newest.
inline constexpr size_t kLongestSeries = 1000;
Changes FindChanges(const std::vector<double>& values, const ChangeOptions& options);

// Indices of the spikes, as described above; `cleaned` gets the series without them.
std::vector<size_t> FindSpikes(const std::vector<double>& values, std::vector<double>& cleaned);

}  // namespace blendbench::stats
