// SPDX-License-Identifier: MIT
// Whether the procedure keeps its promises over many experiments: coverage of the intervals, and how often a verdict is
// wrong. Seeds are fixed, so a failure is a change of the code; bounds allow four standard errors of the simulation.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "harness/stats/rates.h"
#include "harness/stats/verdict.h"

namespace blendbench::stats {
namespace {

constexpr int kExperiments = 4000;
constexpr double kMargin = 0.05;

double FourStandardErrors(double rate) { return 4 * std::sqrt(rate * (1 - rate) / kExperiments); }

class Experiments {
 public:
  Experiments(unsigned seed, int blocks, double truth, double sd)
      : random_(seed), noise_(truth, sd), blocks_(blocks) {}
  std::vector<double> Next() {
    std::vector<double> differences;
    for (int block = 0; block < blocks_; ++block) differences.push_back(noise_(random_));
    return differences;
  }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<double> noise_;
  int blocks_;
};

bool Covers(const Interval& interval, double truth) {
  return interval.low <= truth && truth <= interval.high;
}

class Coverage : public testing::TestWithParam<int> {};

TEST_P(Coverage, IntervalsCoverTheTruthAsOftenAsTheySay) {
  Experiments experiments(7, GetParam(), 0.03, 0.05);
  int student = 0, signed_rank = 0;
  double level = 0;
  for (int i = 0; i < kExperiments; ++i) {
    const Judged judged = Judge(experiments.Next(), kMargin);
    student += Covers(*judged.student, 0.03);
    signed_rank += Covers(*judged.signed_rank, 0.03);
    level = judged.signed_rank->level;
  }
  EXPECT_GE(level, kLevel);
  EXPECT_NEAR(student / double{kExperiments}, kLevel, FourStandardErrors(kLevel));
  EXPECT_NEAR(signed_rank / double{kExperiments}, level, FourStandardErrors(level));
}
INSTANTIATE_TEST_SUITE_P(Blocks, Coverage, testing::Values(5, 6, 8, 12, 20));

TEST(StatsSimulation, AnArmAtTheMarginIsSeldomCalledNonInferior) {
  Experiments experiments(11, 8, std::log1p(kMargin), 0.03);
  int wrong_holds = 0, wrong_refuted = 0;
  for (int i = 0; i < kExperiments; ++i) {
    const Finding finding = Judge(experiments.Next(), kMargin).non_inferiority.finding;
    wrong_holds += finding == Finding::kHolds;
    wrong_refuted += finding == Finding::kRefuted;
  }
  // At the border each error is at most 5 %; asking both intervals to agree makes it rarer, not absent.
  const double most = 0.05 + FourStandardErrors(0.05);
  EXPECT_LE(wrong_holds / double{kExperiments}, most);
  EXPECT_LE(wrong_refuted / double{kExperiments}, most);
  EXPECT_GE(wrong_holds / double{kExperiments}, 0.02);
  EXPECT_GE(wrong_refuted / double{kExperiments}, 0.02);
}

TEST(StatsSimulation, TheReferenceAgainstItselfIsHardlyEverRefuted) {
  Experiments experiments(13, 6, 0, 0.03);
  int refuted = 0;
  for (int i = 0; i < kExperiments; ++i) {
    refuted += Judge(experiments.Next(), kMargin).equivalence.finding == Finding::kRefuted;
  }
  EXPECT_LE(refuted, kExperiments / 200);
}

TEST(StatsSimulation, TheBlocksReckonedForPowerGiveIt) {
  const double sd = 0.06;
  const int blocks = BlocksForPower(sd, kMargin).value();
  Experiments experiments(17, blocks, 0, sd);
  int t_alone = 0;
  for (int i = 0; i < kExperiments; ++i) {
    t_alone += NonInferiority(*StudentInterval(experiments.Next()), kMargin) == Finding::kHolds;
  }
  const double expected = NonInferiorityPower(sd, kMargin, blocks);
  EXPECT_GE(expected, 0.90);
  EXPECT_NEAR(t_alone / double{kExperiments}, expected, FourStandardErrors(expected));
}

TEST(StatsSimulation, ASlowArmIsFound) {
  Experiments experiments(19, 8, std::log(1.15), 0.03);
  int refuted = 0;
  for (int i = 0; i < kExperiments; ++i) {
    refuted += Judge(experiments.Next(), kMargin).non_inferiority.finding == Finding::kRefuted;
  }
  EXPECT_GE(refuted / double{kExperiments}, 0.95);
}

}  // namespace
}  // namespace blendbench::stats
