// SPDX-License-Identifier: MIT
// Where two JSON documents differ, member by member. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace blendbench {

struct JsonDifference {
  std::string place;     // "comparisons/3/ratio"
  std::string archived;  // the values, one short line each
  std::string derived;
};

struct JsonComparison {
  size_t numbers = 0;  // compared
  size_t differing = 0;
  std::vector<JsonDifference> differences;  // the first `most` of them
};

// Numbers are equal within 1e-9 of their size: another machine's logarithm may differ in the last bit. Neither document
// nests deeper than kJsonDepth.
JsonComparison CompareJson(const nlohmann::json& archived, const nlohmann::json& derived,
                           size_t most);

}  // namespace blendbench
