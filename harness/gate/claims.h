// SPDX-License-Identifier: MIT
// The claims as data (paper/claims.toml): statements with a rule and a margin, fixed before any
// sample. Pure.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "harness/spec/experiment.h"
#include "harness/spec/metrics.h"

namespace blendbench {

enum class Rule {
  kPromises,        // every check held in every guest of the arm
  kNonInferiority,  // every metric non-inferior to the reference arm's (intersection-union)
};

inline constexpr double kDefaultMargin = 0.05;

struct Claim {
  std::string id;
  std::string title;
  std::string statement;
  std::string source;
  std::string role;  // "paper" (a claim of the paper), "comparison"
  Rule rule = Rule::kNonInferiority;
  std::string arm;
  std::string reference;             // kNonInferiority
  double margin = kDefaultMargin;    // kNonInferiority; 0.05 is 5 %
  std::vector<std::string> metrics;  // kNonInferiority; ids, * stands for any characters
  std::vector<std::string> checks;   // kPromises
  std::string sha256;                // of all that decides it, not of its wording
};

// An error is one line with file, line and remedy.
tl::expected<std::vector<Claim>, std::string> ParseClaims(const std::string& toml_text,
                                                          const std::string& file_name);

// The metrics of `all` that a claim covers, in their order; patterns that match none go to
// `unmatched`.
std::vector<Metric> MetricsOfClaim(const Claim& claim, const std::vector<Metric>& all,
                                   std::vector<std::string>& unmatched);

// The margin `metric` of `arm` is judged by: the strictest of the claims that cover it, else the
// default.
double MarginFor(const std::vector<Claim>& claims, const std::string& arm,
                 const std::string& metric);

const char* RuleName(Rule rule);  // as in the file

}  // namespace blendbench
