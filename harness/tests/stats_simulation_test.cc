// SPDX-License-Identifier: MIT
// Whether the procedure keeps its promises over many experiments: coverage of the intervals, and how often a verdict is
// wrong. Seeds are fixed, so a failure is a change of the code; bounds allow four standard errors of the simulation.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>
#include <string>

#include "harness/stats/bootstrap.h"
#include "harness/stats/rates.h"
#include "harness/stats/sample_size.h"
#include "harness/stats/verdict.h"

namespace blendbench::stats {
namespace {

constexpr int kExperiments = 4000;
constexpr double kMargin = 0.05;

// count / of, and a line of it: what was simulated is to be read as well (results/README.md has the table).
double Shown(const std::string& what, int count, int of = kExperiments) {
  const double rate = static_cast<double>(count) / of;
  std::cout << fmt::format("    {:<70} {:5.1f} % of {}\n", what, 100 * rate, of);
  return rate;
}

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
  EXPECT_NEAR(Shown(fmt::format("{} blocks: the t interval (90 %) covers", GetParam()), student),
              kLevel, FourStandardErrors(kLevel));
  EXPECT_NEAR(Shown(fmt::format("{} blocks: the signed-rank interval ({:.1f} %) covers", GetParam(),
                                100 * level),
                    signed_rank),
              level, FourStandardErrors(level));
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
  const double holds = Shown("an arm at the margin, 8 blocks: called non-inferior", wrong_holds);
  const double refuted = Shown("an arm at the margin, 8 blocks: refuted", wrong_refuted);
  EXPECT_LE(holds, most);
  EXPECT_LE(refuted, most);
  EXPECT_GE(holds, 0.02);
  EXPECT_GE(refuted, 0.02);
}

// Equivalence asks for both sides, so an arm at either border passes at most as often as one test does.
TEST(StatsSimulation, AnArmAtEitherBorderIsSeldomCalledEquivalent) {
  for (const double truth : {std::log1p(kMargin), -std::log1p(kMargin)}) {
    Experiments experiments(23, 8, truth, 0.03);
    int holds = 0;
    for (int i = 0; i < kExperiments; ++i)
      holds += Judge(experiments.Next(), kMargin).equivalence.finding == Finding::kHolds;
    const double rate = Shown(
        fmt::format("an arm at {:+.1f} %, 8 blocks: called equivalent", 100 * std::expm1(truth)),
        holds);
    EXPECT_LE(rate, 0.05 + FourStandardErrors(0.05));
    EXPECT_GE(rate, 0.02);
  }
}

// Spikes of a busy host: one block in eight is off by a tenth, to either side. The rule must not gain from it.
TEST(StatsSimulation, SpikesDoNotMakeWrongVerdicts) {
  std::mt19937_64 random(29);
  std::normal_distribution<double> noise(std::log1p(kMargin), 0.02), spike(0, 0.15);
  std::bernoulli_distribution spiked(0.125);
  int wrong_holds = 0, wrong_refuted = 0;
  for (int i = 0; i < kExperiments; ++i) {
    std::vector<double> differences;
    for (int block = 0; block < 8; ++block)
      differences.push_back(noise(random) + (spiked(random) ? spike(random) : 0));
    const Finding finding = Judge(differences, kMargin).non_inferiority.finding;
    wrong_holds += finding == Finding::kHolds;
    wrong_refuted += finding == Finding::kRefuted;
  }
  const double most = 0.05 + FourStandardErrors(0.05);
  EXPECT_LE(Shown("the same with spikes in one block of eight: called non-inferior", wrong_holds),
            most);
  EXPECT_LE(Shown("the same with spikes in one block of eight: refuted", wrong_refuted), most);
}

// Twelve metrics without any effect: one flag or more in at most 5 % of the families, where 46 % have a raw
// p value below 5 %.
TEST(StatsSimulation, HolmKeepsTheFamilysErrorRate) {
  constexpr int kFamilies = 1500;
  Experiments experiments(31, 8, 0, 0.03);
  int flagged = 0, raw_flagged = 0;
  for (int i = 0; i < kFamilies; ++i) {
    std::vector<double> p_values;
    for (int metric = 0; metric < 12; ++metric)
      p_values.push_back(StudentPDifferent(experiments.Next()));
    const std::vector<double> adjusted = Holm(p_values);
    flagged += *std::min_element(adjusted.begin(), adjusted.end()) <= 0.05;
    raw_flagged += *std::min_element(p_values.begin(), p_values.end()) <= 0.05;
  }
  const double bound = 4 * std::sqrt(0.05 * 0.95 / kFamilies);
  EXPECT_NEAR(Shown("12 metrics without effect: one flagged after Holm", flagged, kFamilies), 0.05,
              bound);
  EXPECT_GE(Shown("12 metrics without effect: one flagged without Holm", raw_flagged, kFamilies),
            0.40);
}

// The exact interval of a rate covers at least what it says, whatever the rate.
TEST(StatsSimulation, ClopperPearsonNeverCoversLess) {
  for (const double truth : {0.02, 0.1, 0.5, 0.93}) {
    std::mt19937_64 random(37);
    std::binomial_distribution<int> hits(24, truth);
    int covered = 0;
    for (int i = 0; i < kExperiments; ++i) {
      const Rate rate = ClopperPearson(hits(random), 24);
      covered += rate.low <= truth && truth <= rate.high;
    }
    EXPECT_GE(
        Shown(fmt::format("a rate of {} out of 24: Clopper-Pearson (95 %) covers", truth), covered),
        0.95 - FourStandardErrors(0.95));
  }
}

// Why no verdict rests on the bootstrap: for the mean of eight blocks it covers well below 90 %. For the noise of
// a calibration's blocks, where it is used, it comes within a few points.
TEST(StatsSimulation, TheBootstrapIsForNoiseNotForVerdicts) {
  constexpr int kRuns = 400;
  const double bound = 4 * std::sqrt(0.9 * 0.1 / kRuns);
  Experiments short_ones(41, 8, 0.02, 0.05), long_ones(43, 40, 0, 0.05);
  int mean_covered = 0, sd_covered = 0;
  for (int i = 0; i < kRuns; ++i) {
    mean_covered += Covers(*BcaInterval(short_ones.Next(), Mean, 5, kLevel, 1000), 0.02);
    sd_covered += Covers(*BcaInterval(long_ones.Next(), StandardDeviation, 5, kLevel, 1000), 0.05);
  }
  const double mean = Shown("BCa (90 %) for the mean of 8 blocks covers", mean_covered, kRuns);
  EXPECT_LE(mean, kLevel - 0.02);
  EXPECT_GE(mean, 0.75);
  EXPECT_GE(Shown("BCa (90 %) for the scatter of 40 blocks covers", sd_covered, kRuns),
            0.85 - bound);
}

// Planning with a pilot's upper limit keeps the power where planning with its standard deviation loses it.
TEST(StatsSimulation, ACautiousSampleSizeKeepsItsPower) {
  const double sd = 0.06;
  Experiments pilots(47, 6, 0.01, sd);
  int enough = 0, cautious_enough = 0;
  for (int i = 0; i < kExperiments; ++i) {
    const SampleSize size = PlanFromPilot(pilots.Next(), kMargin).value();
    enough += NonInferiorityPower(sd, kMargin, size.blocks.value()) >= 0.90;
    cautious_enough += NonInferiorityPower(sd, kMargin, size.cautious_blocks.value()) >= 0.90;
  }
  EXPECT_LE(Shown("planned from a pilot of 6 blocks: power reached", enough), 0.60);
  EXPECT_GE(Shown("planned from its upper limit: power reached", cautious_enough),
            0.80 - FourStandardErrors(0.8));
}

TEST(StatsSimulation, TheWholeRulesPowerIsALittleBelowTheTTests) {
  const OperatingRates rates = SimulateRule(0, 0.06, kMargin, 16, 53, kExperiments);
  const double t_alone = NonInferiorityPower(0.06, kMargin, 16);
  EXPECT_LE(rates.holds, t_alone);
  EXPECT_GE(rates.holds, t_alone - 0.12);
  EXPECT_NEAR(rates.holds + rates.refuted + rates.inconclusive, 1, 1e-12);
  // "Seen as worse" without any effect: at most 5 %.
  EXPECT_LE(rates.seen_worse, 0.05 + FourStandardErrors(0.05));
  EXPECT_GE(SimulateRule(std::log(1.2), 0.04, kMargin, 8, 59).refuted, 0.95);
}

TEST(StatsSimulation, TheReferenceAgainstItselfIsHardlyEverRefuted) {
  Experiments experiments(13, 6, 0, 0.03);
  int refuted = 0;
  for (int i = 0; i < kExperiments; ++i) {
    refuted += Judge(experiments.Next(), kMargin).equivalence.finding == Finding::kRefuted;
  }
  EXPECT_LE(Shown("the reference against itself, 6 blocks: refuted", refuted), 0.005);
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
  EXPECT_NEAR(Shown(fmt::format("{} blocks, reckoned for 90 % power: power", blocks), t_alone),
              expected, FourStandardErrors(expected));
}

TEST(StatsSimulation, ASlowArmIsFound) {
  Experiments experiments(19, 8, std::log(1.15), 0.03);
  int refuted = 0;
  for (int i = 0; i < kExperiments; ++i) {
    refuted += Judge(experiments.Next(), kMargin).non_inferiority.finding == Finding::kRefuted;
  }
  EXPECT_GE(Shown("an arm slower by 15 %, 8 blocks: refuted", refuted), 0.95);
}

}  // namespace
}  // namespace blendbench::stats
