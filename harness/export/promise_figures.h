// SPDX-License-Identifier: MIT
// The promises of the scheme as figures: what users take on the disk, and what an exchange of the system image does to
// them (results/schema/report.schema.json: "storage_growth", "upgrades"). Pure; thread-safe.
#pragma once

#include <nlohmann/json.hpp>

#include "harness/export/record.h"

namespace blendbench {

// Per arm, bytes on the host's disk that all users share and that one user takes, as measured after its guest's work; null
// where no sample tells, and where the work was not the same for all. The members for more users than were measured are a model: shared + users * per user.
nlohmann::json StorageGrowthJson(const RunRecord& record);

// Per arm, what its upgraded guests showed, or why it has no system image to exchange; null when the run makes no upgrades.
nlohmann::json UpgradesJson(const RunRecord& record);

}  // namespace blendbench
