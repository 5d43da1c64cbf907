// SPDX-License-Identifier: MIT
// When a block was too disturbed to count. The rules are part of the plan, fixed before the first sample,
// and know nothing of the arms: steal is what another guest of our own host took, and foreign load is
// taken while nothing of the experiment runs. An arm's own work, load or pressure decides nothing. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/sample.h"

namespace blendbench {

struct NoiseRules {
  double max_steal =
      0.10;  // of the processor time we wanted while the step ran, the share that was stolen
  double max_foreign = 0.50;  // share of all processors that others used just before the step

  bool operator==(const NoiseRules&) const = default;
};

nlohmann::json ToJson(const NoiseRules& rules);
// Throws std::exception of what is missing or of the wrong type.
NoiseRules NoiseRulesFromJson(const nlohmann::json& object);

// The blocks to leave out of every comparison, whole, with the first reason. Samples without records of noise
// break no rule.
std::map<int, std::string> NoisyBlocks(const NoiseRules& rules, const std::vector<Sample>& samples);

// The samples of the other blocks.
std::vector<Sample> WithoutBlocks(const std::vector<Sample>& samples,
                                  const std::map<int, std::string>& blocks);

}  // namespace blendbench
