// SPDX-License-Identifier: MIT
// The last calibration of each substrate, beside the runs: RUNS/calibration-SUBSTRATE.json, which names the run that it
// was derived from. Whoever shows a verdict shows it too.
// Thread-safety: functions without state.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/base/exit_code.h"
#include "harness/store/environment.h"

namespace blendbench {

Result<void> WriteCalibration(const std::filesystem::path& runs_dir,
                              const nlohmann::json& calibration);

// That of the substrate the run was on, with "same_machine": whether it was made on the run's processor with as many of
// them and the same kernel. Null when there is none, or none that can be read.
nlohmann::json ReadCalibration(const std::filesystem::path& runs_dir,
                               const Environment& environment);

// {"cpu", "cores", "kernel"} of the machine, as a calibration keeps it.
nlohmann::json MachineOf(const Environment& environment);

}  // namespace blendbench
