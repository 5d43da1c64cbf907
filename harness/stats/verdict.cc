// SPDX-License-Identifier: MIT
#include "harness/stats/verdict.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>

namespace blendbench::stats {
namespace {

std::string Percent(double share) {
  std::ostringstream text;
  text.precision(3);
  text << share * 100 << " %";
  return text.str();
}

const char* Says(Finding finding) {
  switch (finding) {
    case Finding::kHolds:
      return "holds";
    case Finding::kRefuted:
      return "refuted";
    case Finding::kInconclusive:
      break;
  }
  return "inconclusive";
}

Judgement TooFew(int n) {
  return {Finding::kInconclusive,
          {"only " + std::to_string(n) + " complete pairs; both intervals need at least " +
           std::to_string(kLeastForSignedRank)}};
}

std::string WhyHolds(bool equivalence, double margin) {
  return equivalence ? "the whole 90 % interval lies within +-" + Percent(margin)
                     : "the one-sided 95 % bound lies below the margin of " + Percent(margin);
}

std::string Why(Finding finding, bool equivalence, double margin) {
  if (finding == Finding::kHolds) return WhyHolds(equivalence, margin);
  if (finding == Finding::kRefuted) {
    return "the whole 90 % interval lies beyond the margin of " + Percent(margin);
  }
  return "the 90 % interval includes the margin of " + Percent(margin);
}

Judgement Combine(Finding student, Finding signed_rank, bool equivalence, double margin) {
  if (student == signed_rank) return {student, {Why(student, equivalence, margin)}};
  return {Finding::kInconclusive,
          {std::string("the two intervals disagree: t ") + Says(student) + ", signed-rank " +
           Says(signed_rank)}};
}

}  // namespace

Finding NonInferiority(const Interval& interval, double margin) {
  const double bound = std::log1p(margin);
  if (interval.high < bound) return Finding::kHolds;
  return interval.low > bound ? Finding::kRefuted : Finding::kInconclusive;
}

Finding Equivalence(const Interval& interval, double margin) {
  const double bound = std::log1p(margin);
  if (interval.low > -bound && interval.high < bound) return Finding::kHolds;
  return interval.low > bound || interval.high < -bound ? Finding::kRefuted
                                                        : Finding::kInconclusive;
}

bool SeenWorse(const Judged& judged) {
  return judged.student && judged.signed_rank && judged.student->low > 0 &&
         judged.signed_rank->low > 0;
}

std::vector<MarginPoint> MarginCurve(const Judged& judged, double margin) {
  if (!judged.student || !judged.signed_rank) return {};
  std::vector<double> margins(std::begin(kCurveMargins), std::end(kCurveMargins));
  margins.push_back(margin);
  std::sort(margins.begin(), margins.end());
  margins.erase(std::unique(margins.begin(), margins.end()), margins.end());
  auto both = [](Finding t, Finding rank) { return t == rank ? t : Finding::kInconclusive; };
  std::vector<MarginPoint> curve;
  for (const double at : margins) {
    curve.push_back(
        {at, both(NonInferiority(*judged.student, at), NonInferiority(*judged.signed_rank, at)),
         both(Equivalence(*judged.student, at), Equivalence(*judged.signed_rank, at))});
  }
  return curve;
}

Judged Judge(const std::vector<double>& differences, double margin) {
  Judged judged;
  judged.n = static_cast<int>(differences.size());
  judged.mean = Mean(differences);
  judged.hodges_lehmann = HodgesLehmann(differences);
  judged.sd = StandardDeviation(differences);
  judged.student = StudentInterval(differences);
  judged.signed_rank = SignedRankInterval(differences);
  judged.p_beyond_margin = StudentPGreater(differences, std::log1p(margin));
  judged.p_non_inferior = StudentPLess(differences, std::log1p(margin));
  judged.p_equivalent = TostP(differences, std::log1p(margin));
  judged.p_different = StudentPDifferent(differences);
  if (!judged.student || !judged.signed_rank) {
    judged.non_inferiority = judged.equivalence = TooFew(judged.n);
    return judged;
  }
  const Interval& t = *judged.student;
  const Interval& rank = *judged.signed_rank;
  judged.non_inferiority =
      Combine(NonInferiority(t, margin), NonInferiority(rank, margin), false, margin);
  judged.equivalence = Combine(Equivalence(t, margin), Equivalence(rank, margin), true, margin);
  const double worst = std::max(t.high, rank.high);
  const double widest = std::max({worst, -t.low, -rank.low});
  judged.smallest_margin = std::expm1(std::max(worst, 0.0));
  judged.smallest_equivalence_margin = std::expm1(std::max(widest, 0.0));
  return judged;
}

}  // namespace blendbench::stats
