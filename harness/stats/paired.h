// SPDX-License-Identifier: MIT
// Estimates and intervals from paired differences d = ln(arm / reference), one per block, sign
// turned so that + is worse. Pure; thread-safe. The boot of a guest is the unit: a caller passes
// one number per block, never fio's inner samples.
#pragma once

#include <optional>
#include <vector>

namespace blendbench::stats {

// Two-sided confidence of every interval here: its ends are one-sided 95 % bounds.
inline constexpr double kLevel = 0.90;
// Fewest differences for which the signed-rank interval exists at kLevel: 2^-n <= 0.05.
inline constexpr int kLeastForSignedRank = 5;

struct Interval {
  double low = 0;
  double high = 0;
  double level = kLevel;  // what it covers: exact for the signed-rank interval, which cannot hit
                          // 0.90 precisely
};

// ln(arm / reference), or its negative when higher is better. Both must be positive and finite;
// nullopt otherwise.
std::optional<double> LogRatio(double arm, double reference, bool lower_is_better);

double Mean(const std::vector<double>& values);               // NaN when empty
double StandardDeviation(const std::vector<double>& values);  // n - 1; NaN below two values

// Paired t interval of the mean; nullopt below two differences.
std::optional<Interval> StudentInterval(const std::vector<double>& differences,
                                        double level = kLevel);

// Median of the n(n+1)/2 Walsh averages; NaN when empty.
double HodgesLehmann(const std::vector<double>& differences);

// The set of shifts Wilcoxon's signed-rank test does not reject, from the ordered Walsh averages
// (Hollander & Wolfe, Nonparametric Statistical Methods, section 3.3). Covers at least `level`;
// ties only make it cover more. nullopt when no interval of finite ends covers that much, or beyond
// kSignedRankLimit differences.
std::optional<Interval> SignedRankInterval(const std::vector<double>& differences,
                                           double level = kLevel);

// One-sided p value of the paired t test for "the mean is at most `bound`" against "greater". When
// all differences are equal it is 0 or 1 (0.5 on the bound). NaN below two differences.
double StudentPGreater(const std::vector<double>& differences, double bound);

// The other side: "the mean is at least `bound`" against "less", which is non-inferiority's test.
double StudentPLess(const std::vector<double>& differences, double bound);

// TOST: p value for "the mean lies outside of +-bound", the larger of the two one-sided ones. Below 5 %
// exactly when the 90 % t interval lies within +-bound. NaN below two differences.
double TostP(const std::vector<double>& differences, double bound);

// Two-sided p value for "the mean is zero"; NaN below two differences.
double StudentPDifferent(const std::vector<double>& differences);

}  // namespace blendbench::stats
