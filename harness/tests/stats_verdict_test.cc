// SPDX-License-Identifier: MIT
// What the verdicts say at and around their borders, and with too little data.
#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <limits>

#include "harness/stats/bootstrap.h"
#include "harness/stats/distributions.h"
#include "harness/stats/rates.h"
#include "harness/stats/sample_size.h"
#include "harness/stats/verdict.h"

namespace blendbench::stats {
namespace {

const double kBound = std::log1p(0.05);

Interval Between(double low, double high) { return {low, high, kLevel}; }

TEST(StatsVerdict, NonInferiorityAsksForTheUpperEnd) {
  EXPECT_EQ(NonInferiority(Between(-0.5, kBound - 1e-9), 0.05), Finding::kHolds);
  EXPECT_EQ(NonInferiority(Between(-0.5, kBound), 0.05), Finding::kInconclusive);
  EXPECT_EQ(NonInferiority(Between(kBound, 1), 0.05), Finding::kInconclusive);
  EXPECT_EQ(NonInferiority(Between(kBound + 1e-9, 1), 0.05), Finding::kRefuted);
}

TEST(StatsVerdict, EquivalenceAsksForBothEnds) {
  EXPECT_EQ(Equivalence(Between(-kBound + 1e-9, kBound - 1e-9), 0.05), Finding::kHolds);
  EXPECT_EQ(Equivalence(Between(-kBound, 0), 0.05), Finding::kInconclusive);
  EXPECT_EQ(Equivalence(Between(-1, -kBound - 1e-9), 0.05), Finding::kRefuted);
  EXPECT_EQ(Equivalence(Between(kBound + 1e-9, 1), 0.05), Finding::kRefuted);
}

TEST(StatsVerdict, AMuchFasterArmIsNonInferiorAndNotEquivalent) {
  const Judged judged = Judge({-0.30, -0.31, -0.29, -0.30, -0.32, -0.28}, 0.05);
  EXPECT_EQ(judged.non_inferiority.finding, Finding::kHolds);
  EXPECT_EQ(judged.equivalence.finding, Finding::kRefuted);
  EXPECT_EQ(judged.smallest_margin, 0.0);
}

TEST(StatsVerdict, FourPairsDecideNothing) {
  const Judged judged = Judge({0.3, 0.3001, 0.2999, 0.3}, 0.05);
  ASSERT_TRUE(judged.student);
  EXPECT_FALSE(judged.signed_rank);
  EXPECT_EQ(judged.non_inferiority.finding, Finding::kInconclusive);
  EXPECT_EQ(judged.equivalence.finding, Finding::kInconclusive);
  EXPECT_FALSE(judged.smallest_margin);
  ASSERT_FALSE(judged.non_inferiority.reasons.empty());
  EXPECT_NE(judged.non_inferiority.reasons[0].find("only 4"), std::string::npos);
}

TEST(StatsVerdict, FivePairsCanDecide) {
  EXPECT_EQ(Judge({0.3, 0.31, 0.29, 0.3, 0.28}, 0.05).non_inferiority.finding, Finding::kRefuted);
  EXPECT_EQ(Judge({0.01, 0.0, -0.01, 0.005, 0.0}, 0.05).equivalence.finding, Finding::kHolds);
}

// One wild block: the t interval widens past the margin, the ranks do not mind.
TEST(StatsVerdict, IntervalsThatDisagreeDecideNothing) {
  const std::vector<double> values = {0.001, 0.002,   -0.001, 0.003,   -0.002, 0.0015, -0.0015,
                                      0.004, -0.0025, 0.0045, -0.0035, 0.0012, 0.4};
  const Judged judged = Judge(values, 0.05);
  ASSERT_EQ(NonInferiority(*judged.student, 0.05), Finding::kInconclusive);
  ASSERT_EQ(NonInferiority(*judged.signed_rank, 0.05), Finding::kHolds);
  EXPECT_EQ(judged.non_inferiority.finding, Finding::kInconclusive);
  EXPECT_NE(judged.non_inferiority.reasons.at(0).find("disagree"), std::string::npos);
}

TEST(StatsVerdict, TheSmallestMarginIsTheBorder) {
  const std::vector<double> values = {0.06, 0.08, 0.05, 0.09, 0.07, 0.065, 0.075, 0.085};
  const Judged judged = Judge(values, 0.05);
  ASSERT_TRUE(judged.smallest_margin);
  const double margin = *judged.smallest_margin;
  EXPECT_EQ(Judge(values, margin * (1 + 1e-9)).non_inferiority.finding, Finding::kHolds);
  EXPECT_NE(Judge(values, margin * (1 - 1e-6)).non_inferiority.finding, Finding::kHolds);
  const double equivalence_margin = judged.smallest_equivalence_margin.value();
  EXPECT_EQ(Judge(values, equivalence_margin * (1 + 1e-9)).equivalence.finding, Finding::kHolds);
}

TEST(StatsVerdict, TheCurveTurnsAtTheSmallestMargin) {
  const Judged judged = Judge({0.06, 0.08, 0.05, 0.09, 0.07, 0.065, 0.075, 0.085}, 0.04);
  const std::vector<MarginPoint> curve = MarginCurve(judged, 0.04);
  ASSERT_EQ(curve.size(), std::size(kCurveMargins) + 1);
  bool at_margin = false;
  for (size_t i = 0; i < curve.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(curve[i - 1].margin, curve[i].margin);
    }
    EXPECT_EQ(curve[i].non_inferiority == Finding::kHolds,
              curve[i].margin > *judged.smallest_margin)
        << curve[i].margin;
    if (curve[i].margin != 0.04) continue;
    at_margin = true;
    EXPECT_EQ(curve[i].non_inferiority, judged.non_inferiority.finding);
    EXPECT_EQ(curve[i].equivalence, judged.equivalence.finding);
  }
  EXPECT_TRUE(at_margin);
  EXPECT_EQ(curve.front().non_inferiority, Finding::kRefuted);
  EXPECT_EQ(MarginCurve(judged, 0.05).size(), std::size(kCurveMargins));
  EXPECT_TRUE(MarginCurve(Judge({0.1, 0.2}, 0.05), 0.05).empty());
}

// TOST at 5 % and the 90 % interval are the same test.
TEST(StatsVerdict, TostAgreesWithTheInterval) {
  for (const double shift : {-0.08, -0.04, -0.03, 0.0, 0.02, 0.035, 0.045, 0.06}) {
    const std::vector<double> values = {shift + 0.01,  shift - 0.012, shift + 0.002,
                                        shift - 0.004, shift + 0.02,  shift - 0.016};
    const Judged judged = Judge(values, 0.05);
    EXPECT_EQ(judged.p_equivalent < 0.05, Equivalence(*judged.student, 0.05) == Finding::kHolds);
    EXPECT_EQ(judged.p_non_inferior < 0.05,
              NonInferiority(*judged.student, 0.05) == Finding::kHolds);
  }
}

TEST(StatsBootstrap, SaysNothingWhereItCannot) {
  const auto sd = [](const std::vector<double>& values) { return StandardDeviation(values); };
  EXPECT_FALSE(BcaInterval({1, 2, 3}, sd, 1));
  EXPECT_FALSE(BcaInterval(std::vector<double>(9, 0.5), sd, 1));
  const std::vector<double> values = {0.1, 0.4, 0.2, 0.9, 0.3, 0.35};
  EXPECT_FALSE(BcaInterval(
      values, [](const auto&) { return std::nan(""); }, 1));
  const auto once = BcaInterval(values, sd, 1), again = BcaInterval(values, sd, 1);
  ASSERT_TRUE(once && again);
  EXPECT_EQ(once->low, again->low);
  EXPECT_LT(once->low, StandardDeviation(values));
  EXPECT_GT(once->high, StandardDeviation(values));
}

TEST(StatsVerdict, EqualDifferencesHaveAnIntervalOfNoWidth) {
  const Judged judged = Judge(std::vector<double>(6, 0.1), 0.05);
  EXPECT_NEAR(judged.student->low, 0.1, 1e-12);
  EXPECT_NEAR(judged.student->high, 0.1, 1e-12);
  EXPECT_EQ(judged.non_inferiority.finding, Finding::kRefuted);
}

TEST(StatsVerdict, NothingMeasured) {
  for (const std::vector<double>& values : {std::vector<double>{}, std::vector<double>{0.1}}) {
    const Judged judged = Judge(values, 0.05);
    EXPECT_FALSE(judged.student);
    EXPECT_TRUE(std::isnan(judged.p_different));
    EXPECT_TRUE(std::isnan(judged.p_beyond_margin));
    EXPECT_EQ(judged.non_inferiority.finding, Finding::kInconclusive);
  }
}

TEST(StatsPaired, LogRatioTurnsItsSignForThroughput) {
  EXPECT_DOUBLE_EQ(*LogRatio(2, 1, true), std::log(2.0));
  EXPECT_DOUBLE_EQ(*LogRatio(2, 1, false), -std::log(2.0));
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(LogRatio(bad, 1, true));
    EXPECT_FALSE(LogRatio(1, bad, true));
  }
}

TEST(StatsPaired, SignedRankDistributionIsOne) {
  for (const int n : {1, 2, 5, 50, kSignedRankLimit}) {
    const std::vector<double> cdf = SignedRankCdf(n);
    EXPECT_NEAR(cdf.back(), 1.0, 1e-12);
    // Symmetric about n(n+1)/4: P(W <= w) + P(W <= top - w - 1) = 1.
    for (size_t w = 0; w + 1 < cdf.size(); ++w) {
      EXPECT_NEAR(cdf[w] + cdf[cdf.size() - 2 - w], 1.0, 1e-12);
    }
  }
  EXPECT_THROW(SignedRankCdf(0), std::domain_error);
  EXPECT_THROW(SignedRankCdf(kSignedRankLimit + 1), std::domain_error);
}

TEST(StatsRates, HolmKeepsOrderAndSkipsWhatWasNotTested) {
  const std::vector<double> adjusted = Holm({0.04, std::nan(""), 0.01, 0.03});
  EXPECT_DOUBLE_EQ(adjusted[2], 0.03);
  EXPECT_DOUBLE_EQ(adjusted[3], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.06);  // never below a smaller p value's
  EXPECT_TRUE(std::isnan(adjusted[1]));
  EXPECT_DOUBLE_EQ(Holm({0.9, 0.8})[0], 1.0);
}

TEST(StatsRates, NoTrialsSayNothing) {
  const Rate rate = ClopperPearson(0, 0);
  EXPECT_EQ(rate.low, 0);
  EXPECT_EQ(rate.high, 1);
  EXPECT_THROW(ClopperPearson(2, 1), std::domain_error);
}

TEST(StatsRates, BlocksForPowerIsTheFewest) {
  for (const double sd : {0.03, 0.06, 0.1, 0.3}) {
    const int blocks = BlocksForPower(sd, 0.05).value();
    EXPECT_GE(blocks, 8);
    EXPECT_GE(NonInferiorityPower(sd, 0.05, blocks), 0.90);
    if (blocks > 8) {
      EXPECT_LT(NonInferiorityPower(sd, 0.05, blocks - 1), 0.90);
    }
  }
  EXPECT_EQ(BlocksForPower(0, 0.05), 8);
  EXPECT_EQ(BlocksForPower(1e-6, 0.05), 8);
  EXPECT_FALSE(BlocksForPower(10, 0.05));
}

}  // namespace
}  // namespace blendbench::stats
