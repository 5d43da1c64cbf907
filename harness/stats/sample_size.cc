// SPDX-License-Identifier: MIT
#include "harness/stats/sample_size.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>

#include "harness/stats/distributions.h"
#include "harness/stats/verdict.h"

namespace blendbench::stats {
namespace {

constexpr double kAlpha = 0.05;
constexpr int kMostBlocks = 10'000;
constexpr double kCertainNoncentrality =
    37;  // beyond it the noncentral t series loses accuracy and the power is 1

void CheckArguments(double sd, double margin, int blocks) {
  if (!(sd >= 0) || !(margin > 0) || blocks < 2)
    throw std::domain_error("power: argument out of range");
}

}  // namespace

double NonInferiorityPower(double sd, double margin, int blocks) {
  CheckArguments(sd, margin, blocks);
  const double n = blocks;
  const double noncentrality =
      sd == 0 ? kCertainNoncentrality : std::log1p(margin) * std::sqrt(n) / sd;
  if (noncentrality >= kCertainNoncentrality) return 1;
  return 1 - NoncentralStudentCdf(StudentQuantile(1 - kAlpha, n - 1), n - 1, noncentrality);
}

double EquivalencePower(double sd, double margin, int blocks) {
  CheckArguments(sd, margin, blocks);
  const double n = blocks, degrees = n - 1;
  const double reach = sd == 0 ? kCertainNoncentrality : std::log1p(margin) * std::sqrt(n) / sd;
  if (reach >= kCertainNoncentrality) return 1;
  // With s the seen over the true standard deviation, the mean (in standard errors, normal) must lie
  // within reach - t s on both sides. Integrated over the distribution of degrees * s^2.
  const double quantile = StudentQuantile(1 - kAlpha, degrees);
  const boost::math::chi_squared spread(degrees);
  const double top = degrees * std::pow(reach / quantile, 2);
  auto within = [&](double q) {
    const double room = reach - quantile * std::sqrt(q / degrees);
    if (room <= 0) return 0.0;
    const double inside = 2 * boost::math::cdf(boost::math::normal(), room) - 1;
    return inside * boost::math::pdf(spread, q);
  };
  // In stretches, because all of the mass may lie in a small part of a long way.
  const double end = std::min(top, boost::math::quantile(spread, 1 - 1e-13));
  constexpr int kStretches = 16;
  double power = 0;
  for (int i = 0; i < kStretches; ++i) {
    power += boost::math::quadrature::gauss_kronrod<double, 31>::integrate(
        within, end * i / kStretches, end * (i + 1) / kStretches, 6, 1e-12);
  }
  return power;
}

std::optional<int> BlocksForPower(double sd, double margin, double power, int least) {
  if (NonInferiorityPower(sd, margin, kMostBlocks) < power) return std::nullopt;
  int low = std::max(least, 2), high = kMostBlocks;  // power grows with the blocks
  while (low < high) {
    const int middle = std::midpoint(low, high);
    if (NonInferiorityPower(sd, margin, middle) >= power) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

double StandardDeviationLimit(double sd, int n, double level) {
  if (n < 2) return std::nan("");
  const double degrees = n - 1;
  return sd *
         std::sqrt(degrees / boost::math::quantile(boost::math::chi_squared(degrees), 1 - level));
}

std::optional<SampleSize> PlanFromPilot(const std::vector<double>& differences, double margin) {
  if (differences.size() < 2) return std::nullopt;
  SampleSize size;
  size.pilot_blocks = static_cast<int>(differences.size());
  size.sd = StandardDeviation(differences);
  size.sd_limit = StandardDeviationLimit(size.sd, size.pilot_blocks);
  size.blocks = BlocksForPower(size.sd, margin);
  size.cautious_blocks = BlocksForPower(size.sd_limit, margin);
  return size;
}

OperatingRates SimulateRule(double truth, double sd, double margin, int blocks, uint64_t seed,
                            int experiments) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(truth, sd);
  int holds = 0, refuted = 0, worse = 0;
  for (int i = 0; i < experiments; ++i) {
    std::vector<double> differences;
    for (int block = 0; block < blocks; ++block) differences.push_back(noise(random));
    const Judged judged = Judge(differences, margin);
    holds += judged.non_inferiority.finding == Finding::kHolds;
    refuted += judged.non_inferiority.finding == Finding::kRefuted;
    worse += SeenWorse(judged);
  }
  const auto share = [&](int count) { return static_cast<double>(count) / experiments; };
  return {share(holds), share(refuted), share(experiments - holds - refuted), share(worse)};
}

}  // namespace blendbench::stats
