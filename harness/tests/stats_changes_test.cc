// SPDX-License-Identifier: MIT
// Change points and the unpaired test by themselves: known answers, rates over many seeds, and series that are no
// series. Bounds allow four standard errors of the simulation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

#include "harness/stats/change_points.h"
#include "harness/stats/shift.h"

namespace blendbench::stats {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<double> Noise(unsigned seed, int length, double sd = 0.02) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, sd);
  std::vector<double> values(length);
  for (double& value : values) value = normal(random);
  return values;
}

std::vector<double> Stepped(std::vector<double> values, size_t at, double by) {
  for (size_t i = at; i < values.size(); ++i) values[i] += by;
  return values;
}

TEST(ChangePoints, AClearStepIsFoundWhereItIs) {
  const Changes changes = FindChanges(Stepped(Noise(1, 20), 12, 0.2), ChangeOptions());
  ASSERT_EQ(changes.points.size(), 1u);
  EXPECT_EQ(changes.points[0].index, 12u);
  EXPECT_NEAR(changes.points[0].after - changes.points[0].before, 0.2, 0.04);
  EXPECT_LE(changes.points[0].p, 0.05);
}

TEST(ChangePointSimulation, UpAndDownAgainAreTwo) {
  const int seeds = 100;
  ChangeOptions options;
  options.permutations = 199;
  int both = 0, more = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const auto values = Stepped(Stepped(Noise(500 + seed, 36), 12, 0.2), 24, -0.2);
    const Changes changes = FindChanges(values, options);
    const auto at = [&](size_t index) {
      return std::any_of(changes.points.begin(), changes.points.end(),
                         [&](const ChangePoint& point) { return point.index == index; });
    };
    both += at(12) && at(24);
    more += changes.points.size() > 2;
  }
  std::printf("up and down: both found %d times, more than two %d, of %d\n", both, more, seeds);
  EXPECT_GE(both, 98);
  EXPECT_LE(more / double(seeds), 0.05 + 4 * std::sqrt(0.05 * 0.95 / seeds));
}

TEST(ChangePoints, TheSameSeriesGivesTheSameAnswer) {
  const auto values = Stepped(Noise(3, 30), 15, 0.03);
  ChangeOptions options;
  const Changes one = FindChanges(values, options), two = FindChanges(values, options);
  EXPECT_EQ(one.first_p, two.first_p);
  options.seed = 2;
  EXPECT_NEAR(FindChanges(values, options).first_p, one.first_p, 0.05);
}

TEST(ChangePoints, WhatIsNoSeriesHasNone) {
  EXPECT_THAT(FindChanges({}, ChangeOptions()).points, IsEmpty());
  EXPECT_THAT(FindChanges({1}, ChangeOptions()).points, IsEmpty());
  EXPECT_THAT(FindChanges({1, 1, 1, 9, 9}, ChangeOptions()).points, IsEmpty());
  EXPECT_THAT(FindChanges(std::vector<double>(50, 1.5), ChangeOptions()).points, IsEmpty());
  EXPECT_EQ(FindChanges(std::vector<double>(2 * kLongestSeries, 1), ChangeOptions()).first_p, 1);
}

TEST(ChangePoints, OfALongSeriesTheNewestAreLookedAt) {
  // Far too long for the whole to be searched in a test, were it not cut.
  std::vector<double> values(50'000, 0);
  values.insert(values.end(), 20, 1);
  ChangeOptions options;
  options.permutations = 19;
  const Changes changes = FindChanges(values, options);
  ASSERT_EQ(changes.points.size(), 1u);
  EXPECT_EQ(changes.points[0].index, 50'000u);
}

TEST(Spikes, LoneOnesAreSetAsideAndStepsAreNot) {
  std::vector<double> values = Noise(4, 20), cleaned;
  values[7] += 1;
  values[0] -= 1;
  EXPECT_THAT(FindSpikes(values, cleaned), ElementsAre(0, 7));
  EXPECT_NEAR(cleaned[7], 0, 0.05);
  EXPECT_EQ(cleaned[8], values[8]);
  EXPECT_THAT(FindSpikes(Stepped(Noise(5, 20), 10, 1), cleaned), IsEmpty());
  EXPECT_THAT(FindSpikes(Stepped(Noise(5, 20), 17, 1), cleaned), IsEmpty());
  EXPECT_THAT(FindSpikes({1, 2, 3}, cleaned), IsEmpty());
}

TEST(ChangePointSimulation, FalseAlarmsKeepToAlphaAndStepsAreFound) {
  const int seeds = 400;
  ChangeOptions options;
  options.permutations = 199;
  int alarms = 0, found = 0, near = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    alarms += !FindChanges(Noise(100 + seed, 30), options).points.empty();
    const Changes stepped = FindChanges(Stepped(Noise(9000 + seed, 30), 20, 0.05), options);
    found += !stepped.points.empty();
    for (const ChangePoint& point : stepped.points)
      near += std::abs(static_cast<int>(point.index) - 20) <= 1;
  }
  std::printf(
      "30 values, sd 2 %%: %d false alarms, a step of 5 %% found %d times, within one %d, of %d\n",
      alarms, found, near, seeds);
  EXPECT_LE(alarms / double(seeds), 0.05 + 4 * std::sqrt(0.05 * 0.95 / seeds));
  EXPECT_GE(found / double(seeds), 0.97);
  EXPECT_GE(near / double(seeds), 0.85);
}

TEST(Shift, IsWelchsTestForOneRun) {
  // scipy.stats.ttest_ind([1.3, 1.5, 1.4, 1.9], [1, 1.1, 0.9, 1.2, 1.3], equal_var=False, alternative="greater")
  const auto shift = CompareShift({{1, 1.1, 0.9, 1.2, 1.3}}, {1.3, 1.5, 1.4, 1.9});
  ASSERT_TRUE(shift);
  EXPECT_NEAR(shift->mean, 0.425, 1e-12);
  EXPECT_NEAR(shift->degrees, 4.691572189591587, 1e-6);
  EXPECT_NEAR(shift->p_worse, 0.019345341177025473, 1e-9);
  EXPECT_NEAR(shift->p_better, 1 - shift->p_worse, 1e-12);
  EXPECT_NEAR(shift->hodges_lehmann, 0.4, 1e-12);
}

TEST(Shift, RunsThatDifferWidenTheError) {
  const std::vector<double> candidate = {0.2, 0.21, 0.19};
  const auto alike =
      CompareShift({{0, 0.01, -0.01}, {0.001, 0.011, -0.009}, {0, 0.01, -0.01}}, candidate);
  const auto apart =
      CompareShift({{0, 0.01, -0.01}, {0.2, 0.21, 0.19}, {0.1, 0.11, 0.09}}, candidate);
  EXPECT_LT(alike->p_worse, 1e-4);
  EXPECT_GT(apart->p_worse, 0.05);
  EXPECT_EQ(alike->between_runs_sd, 0);
  EXPECT_NEAR(apart->between_runs_sd, 0.1, 0.01);
}

TEST(Shift, EqualValuesDecideBySign) {
  EXPECT_EQ(CompareShift({{1, 1}}, {1, 1})->p_worse, 1);
  EXPECT_EQ(CompareShift({{1, 1}}, {2, 2})->p_worse, 0);
  EXPECT_EQ(CompareShift({{1, 1}}, {2, 2})->Detectable(0.01), 0);
  EXPECT_FALSE(CompareShift({{1}}, {2, 2}));
  EXPECT_FALSE(CompareShift({}, {2, 2}));
  EXPECT_FALSE(CompareShift({{1, 1}}, {2}));
}

}  // namespace
}  // namespace blendbench::stats
