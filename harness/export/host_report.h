// SPDX-License-Identifier: MIT
// What the report document says of an experiment on the host beyond what it says of every run. Pure;
// thread-safe.
#pragma once

#include <nlohmann/json.hpp>

#include "harness/export/record.h"

namespace blendbench {

// {"cases": [{id, label, group, layers, metric, cpu_metric}], "skipped": [{arm, case, reason}],
// "failed": [{arm, case, reason}]}; null for an experiment with guests.
nlohmann::json HostReport(const RunRecord& record);

}  // namespace blendbench
