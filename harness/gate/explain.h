// SPDX-License-Identifier: MIT
// One comparison taken apart: every block with its inputs, and each step from them to the finding, so that a
// reader can do it again with a pocket calculator and a table of t. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/gate/compare.h"
#include "harness/stats/paired.h"
#include "harness/stats/verdict.h"

namespace blendbench {

struct ExplainedBlock {
  int block = 0;
  std::optional<double> arm;        // the arm's value, in the metric's unit
  std::optional<double> reference;  // the reference's
  std::optional<double> d;          // ln of their ratio, sign turned so that + is worse
  std::string left_out;             // why the block does not count; "" when it does
};

struct Explanation {
  Comparison comparison;  // as the verdict was made of it
  std::vector<ExplainedBlock> blocks;
  // The paired t interval; what is unknown below two differences is NaN.
  double mean = 0;
  double sd = 0;
  double degrees = 0;         // n - 1
  double t_quantile = 0;      // 95 % one-sided
  double standard_error = 0;  // sd / sqrt(n)
  std::optional<stats::Interval> student;
  // The signed-rank interval: of the ordered Walsh averages, the `cut`-th from either end.
  int walsh_averages = 0;
  int cut = 0;  // from 1; 0 when there is no interval
  std::optional<stats::Interval> signed_rank;
  // The decision.
  double bound = 0;  // ln(1 + margin)
  std::optional<stats::Finding> student_says, signed_rank_says;
  stats::Finding finding = stats::Finding::kInconclusive;
};

// `comparison` says which blocks counted (gate/compare.h) and `samples` are those it was made of. Every number
// but the quantiles is computed here a second time, from the samples.
Explanation Explain(const Comparison& comparison, int blocks_planned,
                    const std::vector<Sample>& samples);

// "" when the steps lead to what the comparison says, otherwise the first number that differs.
std::string Disagreement(const Explanation& explanation);

}  // namespace blendbench
