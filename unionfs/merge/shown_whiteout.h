// SPDX-License-Identifier: MIT
// Devices 0:0 that users of the union make: see kShownWhiteout in layer/format.h for how they are kept.
// A union stacked on this one (a container engine's) hides with them what its own lower layers have.
// Thread-safety: yes.
#pragma once

#include "unionfs/merge/state.h"

namespace blendfs::merge {

// Says on an upper directory that it has, or soon will have, such children. To be called first.
Status MarkShownWhiteouts(State& state, Node& parent);

// Makes one; not in one step, so in the work directory.
Status MakeShownWhiteout(State& state, BorrowedFd dir, const char* name, mode_t mode,
                         const sys::Creator& creator);

}  // namespace blendfs::merge
