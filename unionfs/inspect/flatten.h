// SPDX-License-Identifier: MIT
// Writes what a union shows as a plain tree: owners, modes, times, attributes, hard links, holes, devices. What only a
// union has (whiteouts, its own marks) is gone.
// Thread-safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "unionfs/inspect/look.h"

namespace blendfs::inspect {

struct FlattenReport {
  uint64_t objects = 0;
  std::vector<std::string> problems;  // of single objects, which are left out
};

// `target` is an empty directory apart from the layers (`target_path` names it in messages). On an error the tree is not
// whole, and `problem` has a line.
Result<FlattenReport> Flatten(merge::Union& fs, BorrowedFd target, const std::string& target_path,
                              std::string* problem);

}  // namespace blendfs::inspect
