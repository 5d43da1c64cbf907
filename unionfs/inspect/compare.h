// SPDX-License-Identifier: MIT
// Two objects of two unions beside each other, as their users see them.
// Thread-safety: one thread.
#pragma once

#include "unionfs/inspect/look.h"

namespace blendfs::inspect {

struct Side {
  merge::Union& fs;
  merge::Node& node;
};

struct Difference {
  bool type = false;      // nothing else is compared then
  bool content = false;   // bytes, target of a symlink, number of a device
  bool metadata = false;  // mode, owner, attributes
  bool times = false;     // of change of content; a directory's are not compared
};

Result<Difference> Compare(Side above, Side below);

// Names of the extended attributes as a user of the union sees them, in byte order.
Result<std::vector<std::string>> XattrNames(merge::Union& fs, merge::Node& node);

}  // namespace blendfs::inspect
