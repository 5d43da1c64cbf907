// SPDX-License-Identifier: MIT
// One number for each arm and metric of a run, for tools that keep one number a name. Pure;
// thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/export/record.h"

namespace blendbench {

struct Summary {
  std::string arm;
  Metric metric;
  std::vector<int> blocks;
  std::vector<double> values;  // as measured, of the same blocks
  double mean = 0;             // geometric
  std::optional<double> low;   // 90 % t interval of the mean on the log scale; nullopt below two
  std::optional<double> high;
  double sd_log = 0;  // NaN below two values
};

// By arm, then metric; metrics without a positive value are left out. The harness's own set-up is
// no result and is left out too.
std::vector<Summary> Summarise(const RunRecord& record);

}  // namespace blendbench
