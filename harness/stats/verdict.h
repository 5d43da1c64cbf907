// SPDX-License-Identifier: MIT
// From paired differences and a margin to a verdict (results/README.md gives the rules in words).
// Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/stats/paired.h"

namespace blendbench::stats {

// kHolds reads NON-INFERIOR or EQUIVALENT, whichever was asked.
enum class Finding { kHolds, kRefuted, kInconclusive };

struct Judgement {
  Finding finding = Finding::kInconclusive;
  std::vector<std::string> reasons;  // at least one
};

struct Judged {
  int n = 0;
  double mean = 0;  // of the differences; NaN when n = 0
  double hodges_lehmann = 0;
  double sd = 0;                        // NaN below two differences
  std::optional<Interval> student;      // 90 %, two-sided
  std::optional<Interval> signed_rank;  // at least 90 %
  Judgement non_inferiority;
  Judgement equivalence;
  // Smallest margins (0.05 is 5 %) at which the data would hold under both intervals; nullopt
  // without both.
  std::optional<double> smallest_margin;
  std::optional<double> smallest_equivalence_margin;
  double p_beyond_margin =
      1;                      // one-sided t test, "worse by no more than the margin"; NaN below two
  double p_non_inferior = 1;  // one-sided t test, "worse by the margin or more"
  double p_equivalent = 1;    // TOST, "off by the margin or more"
  double p_different = 1;     // two-sided t test, "no difference"; NaN below two
};

// The finding of one interval alone. `margin` > 0 is relative: 0.05 puts the bound at ln(1.05).
Finding NonInferiority(const Interval& interval, double margin);
Finding Equivalence(const Interval& interval, double margin);

// Whether both intervals lie above 0: slower, by however little. False without both.
bool SeenWorse(const Judged& judged);

// What the same data would say at other margins. The margin of a claim is fixed beforehand; the curve shows
// how far the verdict hangs on it.
struct MarginPoint {
  double margin = 0;
  Finding non_inferiority = Finding::kInconclusive;
  Finding equivalence = Finding::kInconclusive;
};
inline constexpr double kCurveMargins[] = {0.01, 0.02, 0.03, 0.05, 0.075, 0.10,
                                           0.15, 0.20, 0.30, 0.50, 1.00};
// One point for each of kCurveMargins, and for `margin`, in order; empty without both intervals.
std::vector<MarginPoint> MarginCurve(const Judged& judged, double margin);

// Both intervals must agree, otherwise the finding is kInconclusive and the reasons say which said
// what.
Judged Judge(const std::vector<double>& differences, double margin);

}  // namespace blendbench::stats
