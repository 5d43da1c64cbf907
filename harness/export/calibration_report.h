// SPDX-License-Identifier: MIT
// A calibration as a document and in words. Pure; thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/export/record.h"
#include "harness/gate/calibration.h"

namespace blendbench {

// {"schema", "run", "created", "substrate", "stamp", "machine", "window", "margin", "blocks",
// "false_alarms", "false_seen_worse", "arms": [...], "noise": [...]}; rates as {count, trials, rate, interval95}.
nlohmann::json CalibrationJson(const RunRecord& record, const Calibration& calibration);

// The whole of such a document as a table.
std::string CalibrationTable(const nlohmann::json& document);

// The document, or null where it is not one that can be shown: a damaged calibration is as good as none.
nlohmann::json ShowableCalibration(nlohmann::json document);

// Two or three lines for the foot of a verdict; what they say when there is none (null) too. `document` may be from another
// version: what it lacks is left out.
std::string CalibrationLines(const nlohmann::json& document);

}  // namespace blendbench
