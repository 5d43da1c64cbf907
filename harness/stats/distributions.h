// SPDX-License-Identifier: MIT
// The distribution functions the verdicts rest on, by Boost.Math or exactly by counting. Pure;
// thread-safe. Arguments outside a function's domain throw std::domain_error: callers check sample
// sizes first.
#pragma once

#include <vector>

namespace blendbench::stats {

// t with P(T <= t) = probability, for `degrees` > 0 degrees of freedom.
double StudentQuantile(double probability, double degrees);
double StudentCdf(double t, double degrees);

// P(F > f) of Fisher's F distribution; `f` is not negative.
double FisherGreater(double f, double numerator_degrees, double denominator_degrees);

// P(T <= t) of the noncentral t distribution.
double NoncentralStudentCdf(double t, double degrees, double noncentrality);

// Wilcoxon's signed-rank statistic W (sum of the ranks of the positive differences) for n untied
// differences under symmetry about zero. Counted exactly: 2^n ways, as sums of distinct ranks;
// exact in double up to n = 50, and with relative error below 1e-12 from there to kSignedRankLimit.
inline constexpr int kSignedRankLimit = 200;

// P(W <= w) for w = 0 .. n(n+1)/2; 1 <= n <= kSignedRankLimit.
std::vector<double> SignedRankCdf(int n);

}  // namespace blendbench::stats
