// SPDX-License-Identifier: MIT
// The one JSON document the report is generated from (results/schema/report.schema.json). Ratios,
// intervals and log ratios are on one scale for all metrics: above 1 (or 0) the arm is worse than
// the reference. Pure; thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "harness/export/record.h"

namespace blendbench {

nlohmann::json MakeReport(const RunRecord& record, const Analysis& analysis);

}  // namespace blendbench
