// SPDX-License-Identifier: MIT
// JSON text from files and guests that may be anything, and JSON text for whoever reads ours. Pure; thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace blendbench {

// Deeper than any document of ours; deeper ones would exhaust the stack when they are written again.
inline constexpr int kJsonDepth = 100;

// Whether brackets nest deeper than `max_depth`; strings are not looked into.
bool NestsDeeper(std::string_view text, int max_depth);

// Never throws; an error says in one line what is wrong, without the file's name.
tl::expected<nlohmann::json, std::string> ParseJson(std::string_view text);

// Never throws: bytes that are no UTF-8 are replaced. Ends with a newline; `indent` < 0 gives one line.
std::string DumpJson(const nlohmann::json& value, int indent = 1);

}  // namespace blendbench
