// SPDX-License-Identifier: MIT
// The history as text, and as the JSON that paper/history draws (results/schema/history.schema.json).
// Pure; thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/gate/history.h"

namespace blendbench {

// Series that changed, worst newest change first, then a count of the others; with `all` a line for
// each of those too.
std::string HistoryText(const std::vector<Series>& series, const HistoryOptions& options, bool all);
nlohmann::json HistoryJson(const std::vector<Series>& series, const HistoryOptions& options);

}  // namespace blendbench
