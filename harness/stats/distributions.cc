// SPDX-License-Identifier: MIT
#include "harness/stats/distributions.h"

#include <boost/math/distributions/complement.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <stdexcept>

namespace blendbench::stats {

double StudentQuantile(double probability, double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), probability);
}

double StudentCdf(double t, double degrees) {
  return boost::math::cdf(boost::math::students_t(degrees), t);
}

double FisherGreater(double f, double numerator_degrees, double denominator_degrees) {
  return boost::math::cdf(
      boost::math::complement(boost::math::fisher_f(numerator_degrees, denominator_degrees), f));
}

double NoncentralStudentCdf(double t, double degrees, double noncentrality) {
  return boost::math::cdf(boost::math::non_central_t(degrees, noncentrality), t);
}

std::vector<double> SignedRankCdf(int n) {
  if (n < 1 || n > kSignedRankLimit) throw std::domain_error("signed rank: n out of range");
  const size_t most = static_cast<size_t>(n) * static_cast<size_t>(n + 1) / 2;
  // chance[w]: P(W = w) over the ranks taken so far; each rank is positive with probability 1/2.
  std::vector<double> chance(most + 1, 0.0);
  chance[0] = 1.0;
  size_t reach = 0;
  for (size_t rank = 1; rank <= static_cast<size_t>(n); ++rank) {
    reach += rank;
    for (size_t w = reach + 1; w-- > 0;) {
      chance[w] = 0.5 * chance[w] + (w >= rank ? 0.5 * chance[w - rank] : 0.0);
    }
  }
  double sum = 0.0;
  for (double& value : chance) value = sum += value;
  return chance;
}

}  // namespace blendbench::stats
