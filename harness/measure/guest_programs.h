// SPDX-License-Identifier: MIT
// The workloads that are real programs (spec/program.h), run in a booted guest through the agent.
// Thread-safety: one thread. Every call ends at its deadline; an error is one line for the sample.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/guest/guest.h"
#include "harness/spec/program.h"

namespace blendbench {

struct ProgramOutcome {
  double seconds = 0;  // median round
  nlohmann::json raw;  // {"rounds": [seconds...], "checked": TEXT, "script_sha256", "disks"}
};

// Sends the script, lets it prepare an empty folder of the user's, drops the caches of a cold one, times its run inside
// the guest and lets it check. The folder is gone afterwards. A wrong result is an error, with the script's words.
Outcome<ProgramOutcome> RunProgram(Guest& guest, const Program& program, const std::string& script,
                                   Deadline deadline);

// Seconds of each round, from lines "BEGIN END" of the guest's clock. An error when there are not `rounds` of them,
// or when together they are longer than the `elapsed_s` that the host waited: then the guest's clock is wrong. Pure.
Outcome<std::vector<double>> ParseRounds(std::string_view text, int rounds, double elapsed_s);

// The scripts of these programs, each read once. An error names the file.
Result<ScriptTexts> ReadScripts(const std::vector<std::string>& programs,
                                const std::filesystem::path& folder);

}  // namespace blendbench
