// SPDX-License-Identifier: MIT
// blendload, run and its answer doubted. Thread-safety: one thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/guest/clock.h"
#include "harness/guest/fd.h"

namespace blendbench {

struct LoadResult {
  double seconds = 0;  // median round
  double cpu_s = 0;    // mean round; caller and daemons
  double bytes = 0;    // moved in a round
  nlohmann::json raw;
};

// An error is one line: blendload's own last one, or what does not fit in its answer.
Outcome<LoadResult> ParseLoad(const std::string& output, bool rate);

Outcome<LoadResult> RunLoad(const std::filesystem::path& blendload, const std::string& host_case,
                            const std::string& root, const std::vector<pid_t>& daemons, bool rate,
                            Deadline deadline);

}  // namespace blendbench
