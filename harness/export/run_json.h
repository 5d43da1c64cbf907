// SPDX-License-Identifier: MIT
// The run's data as one JSON document, without judgement (results/schema/run.schema.json): who and
// where, arms, metrics, every sample with its numbers, and a summary. What decides a claim is in the
// report's document. Pure; thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "harness/export/record.h"

namespace blendbench {

nlohmann::json MakeRunJson(const RunRecord& record);

}  // namespace blendbench
