// SPDX-License-Identifier: MIT
// A comparison of runs as text, as JSON (results/schema/compare.schema.json) and as Markdown for a CI
// job's summary. Pure; thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/gate/regression.h"

namespace blendbench {

struct Compared {
  std::string baseline;  // its name, or the run's id
  std::vector<std::string> runs;
  std::string candidate;
  GateOptions options;
  GateResult result;
};

// The verdict first, then what regressed, what cannot be told, what improved; of the unchanged a
// count, or with `all` a line each.
std::string CompareText(const Compared& compared, bool all);
nlohmann::json CompareJson(const Compared& compared);
std::string CompareMarkdown(const Compared& compared);

}  // namespace blendbench
