// SPDX-License-Identifier: MIT
// What the JSON documents of a run have in common. Pure. Units and names: results/schema/.
#pragma once

#include <nlohmann/json.hpp>

#include "harness/export/record.h"

namespace blendbench {

// JSON knows no NaN: what is unknown is null.
nlohmann::json NumberJson(double value);
// exp of a logarithm.
nlohmann::json RatioJson(double log_value);

// What and when a run was, on which substrate, from which inputs, and how far it came.
nlohmann::json RunFactsJson(const RunRecord& record);
// What every arm has; what few have is each document's to tell in its own words.
nlohmann::json ArmFactsJson(const Arm& arm);
// Without what only an archive needs: raw outputs and provenance stay in samples.jsonl.
nlohmann::json SampleFactsJson(const Sample& sample);

}  // namespace blendbench
