// SPDX-License-Identifier: MIT
// From blocks' folders to the run: checked, then appended whole, block by block. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <map>
#include <vector>

#include "harness/base/progress.h"
#include "harness/cluster/bundle.h"

namespace blendbench {

struct MergeOutcome {
  std::vector<int> entered;            // blocks that are in the run now
  std::vector<int> missing;            // blocks that have not been measured to their end
  std::map<int, std::string> refused;  // blocks that may not enter -> the first reason
};

// `run` is open for writing. Blocks that are in it already stay as they are; one that differs from what is in the run is
// refused. A refused block changes nothing. When every step has its sample the run is finished. Each refusal is a
// warning. An error is one of reading or writing; another call continues.
Result<MergeOutcome> MergeBlocks(RunFolder& run, const Bundle& bundle,
                                 const std::filesystem::path& results, Progress& progress);

}  // namespace blendbench
