// SPDX-License-Identifier: MIT
// The explanation of a verdict in words and as JSON. Pure; thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/export/record.h"
#include "harness/gate/explain.h"

namespace blendbench {

// A claim's verdict with each of its parts explained; `parts` is empty for a claim about promises.
struct ClaimExplanation {
  ClaimVerdict verdict;
  std::vector<Explanation> parts;  // in the order of verdict.parts
};

ClaimExplanation ExplainClaim(const RunRecord& record, const ClaimVerdict& verdict);

// Step by step, with the inputs of each.
std::string ExplanationText(const Explanation& explanation);
std::string ExplanationText(const ClaimExplanation& explanation);

nlohmann::json ToJson(const Explanation& explanation);
nlohmann::json ToJson(const ClaimExplanation& explanation);

}  // namespace blendbench
