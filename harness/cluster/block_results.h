// SPDX-License-Identifier: MIT
// What tasks left: a folder a block, RESULTS/bNNN, which is a run folder with the samples of that block alone. It comes
// from another machine, so it is read here and judged in check_blocks.h. Thread-safety: functions without state.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/base/sample.h"
#include "harness/spec/experiment.h"
#include "harness/store/environment.h"

namespace blendbench {

// "b003" and back; nothing for any other name.
std::string BlockName(int block);
std::optional<int> BlockOfName(std::string_view name);

struct BlockResult {
  int block = 0;  // as the folder is named
  std::filesystem::path folder;
  std::string plan_sha256;      // of the plan.json in it
  Environment environment;      // the task's
  std::vector<Sample> samples;  // every line that is a sample, in the order of the file
};

// The blocks that have a folder with a plan, in order.
std::vector<int> BlocksIn(const std::filesystem::path& results);

// kEnvironment when a file cannot be read or is none of ours. A block that has only begun has fewer samples.
Result<BlockResult> ReadBlock(const std::filesystem::path& results, int block);

// Whether the block has as many samples as the plan has steps, and its task has come to its end.
bool IsWhole(const BlockResult& result, const Plan& plan);
// The same of a block's folder; false where there is none, or none that can be read.
bool IsMeasured(const std::filesystem::path& results, int block, const Plan& plan);

}  // namespace blendbench
