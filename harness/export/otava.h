// SPDX-License-Identifier: MIT
// Apache Otava (formerly Hunter) looks for change points in a CSV of one row a run: time, commit, run,
// then a column for each arm and metric (type: csv, time_column: time, attributes: [commit, run]).
// Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "harness/export/record.h"

namespace blendbench {

// Oldest run first; a value that a run lacks is empty. Geometric means over the blocks.
std::string MakeOtava(const std::vector<RunRecord>& records);

// The configuration that reads it from `file`: columns and which direction is better.
std::string MakeOtavaConfig(const std::vector<RunRecord>& records, const std::string& file);

}  // namespace blendbench
