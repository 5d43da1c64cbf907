// SPDX-License-Identifier: MIT
// Finds directories of one mount's configuration that lie in one another, which would make the
// union contain itself. For the stack, and for what is written beside one. Thread-safety: a pure function of the file system.
#pragma once

#include <string>
#include <vector>

#include "unionfs/base/result.h"
#include "unionfs/base/unique_fd.h"

namespace blendfs::layer {

struct Place {
  std::string option;  // "lowerdir", "upperdir" or "workdir"
  std::string path;    // as given
  BorrowedFd root;
  bool written = false;  // upper and work
};

// Two lowers may lie in one another, but not be the same; an upper or work directory has to be
// apart from everything. Only nesting on one mount counts: layers never look through mounts.
// ELOOP or EINVAL with one line in `problem`.
Status CheckApart(const std::vector<Place>& places, std::string* problem);

}  // namespace blendfs::layer
