// SPDX-License-Identifier: MIT
#include "harness/stats/shift.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/stats/distributions.h"

namespace blendbench::stats {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A variance estimate as it enters the squared error.
struct Term {
  double value = 0;
  double degrees = 0;
};

// Satterthwaite (1946), "An approximate distribution of estimates of variance components".
double Degrees(const std::vector<Term>& terms, double sum) {
  double squares = 0;
  for (const Term& term : terms)
    if (term.degrees > 0) squares += term.value * term.value / term.degrees;
  return squares > 0 ? std::max(1.0, sum * sum / squares) : std::numeric_limits<double>::infinity();
}

double Variance(const std::vector<double>& values) {
  const double sd = StandardDeviation(values);
  return sd * sd;
}

// Whether a test statistic with this error says "greater"; an error of zero decides by the sign.
double PGreater(double mean, double error, double degrees) {
  if (error == 0) return mean > 0 ? 0.0 : 1.0;
  return StudentCdf(-mean / error, degrees);
}

struct Baseline {
  std::vector<double> means;
  std::vector<Term> means_error;  // squared, of each mean
  std::vector<double> blocks;

  // Mean squared error of a run's mean, from its blocks.
  Term Within() const {
    Term sum;
    for (const Term& term : means_error) {
      sum.value += term.value / static_cast<double>(means_error.size());
      sum.degrees += term.degrees;
    }
    return sum;
  }
};

Baseline Gather(const std::vector<std::vector<double>>& runs) {
  Baseline baseline;
  for (const std::vector<double>& run : runs) {
    if (run.size() < 2) continue;
    const auto n = static_cast<double>(run.size());
    baseline.means.push_back(Mean(run));
    baseline.means_error.push_back({Variance(run) / n, n - 1});
    baseline.blocks.insert(baseline.blocks.end(), run.begin(), run.end());
  }
  return baseline;
}

}  // namespace

double Shift::Detectable(double alpha) const {
  if (error == 0) return 0;
  return StudentQuantile(1 - alpha, degrees) * error;
}

double ShiftHodgesLehmann(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences;
  differences.reserve(a.size() * b.size());
  for (const double from : a)
    for (const double to : b) differences.push_back(to - from);
  if (differences.empty()) return kNan;
  std::sort(differences.begin(), differences.end());
  const size_t middle = differences.size() / 2;
  if (differences.size() % 2 == 1) return differences[middle];
  return 0.5 * (differences[middle - 1] + differences[middle]);
}

std::optional<double> BetweenRuns(const std::vector<std::vector<double>>& runs) {
  const Baseline baseline = Gather(runs);
  const double within = baseline.Within().value;
  if (baseline.means.size() < 2 || !(within > 0)) return std::nullopt;
  return Variance(baseline.means) / within;
}

std::optional<Shift> CompareShift(const std::vector<std::vector<double>>& baseline_runs,
                                  const std::vector<double>& candidate, const Borrowed& borrowed) {
  const Baseline baseline = Gather(baseline_runs);
  if (baseline.means.empty() || candidate.size() < 2) return std::nullopt;
  const auto runs = static_cast<double>(baseline.means.size());
  const auto n = static_cast<double>(candidate.size());
  Shift shift;
  shift.n_baseline = static_cast<int>(baseline.blocks.size());
  shift.n_candidate = static_cast<int>(candidate.size());
  shift.runs = static_cast<int>(baseline.means.size());
  shift.mean = Mean(candidate) - Mean(baseline.means);
  shift.hodges_lehmann = ShiftHodgesLehmann(baseline.blocks, candidate);

  const Term own{Variance(candidate) / n, n - 1};
  const Term within = baseline.Within();
  Term between;  // variance of a run's mean, as the runs show it
  if (runs > 1) {
    between.degrees = borrowed.degrees + runs - 1;
    between.value =
        (borrowed.degrees * borrowed.ratio * within.value + (runs - 1) * Variance(baseline.means)) /
        between.degrees;
  }
  std::vector<Term> terms;
  if (between.value > within.value) {
    shift.between_runs_sd = std::sqrt(between.value - within.value);
    // The later run's mean varies as those of the baseline do, and more where its blocks do. What it
    // varies less is not taken off: a difference of two estimates has hardly a degree of freedom.
    terms.push_back({between.value * (1 + 1 / runs), between.degrees});
    if (own.value > within.value) terms.push_back({own.value - within.value, own.degrees});
  } else {
    terms.push_back(own);
    for (const Term& term : baseline.means_error)
      terms.push_back({term.value / (runs * runs), term.degrees});
  }
  double variance = 0;
  for (const Term& term : terms) variance += term.value;
  shift.error = std::sqrt(std::max(variance, 0.0));
  shift.degrees = Degrees(terms, variance);
  if (!std::isfinite(shift.degrees)) shift.error = 0;
  shift.p_worse = PGreater(shift.mean, shift.error, shift.degrees);
  shift.p_better = PGreater(-shift.mean, shift.error, shift.degrees);
  const double reach = shift.Detectable((1 - kLevel) / 2);
  shift.interval = Interval{shift.mean - reach, shift.mean + reach, kLevel};
  return shift;
}

}  // namespace blendbench::stats
