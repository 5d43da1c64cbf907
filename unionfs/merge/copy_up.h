// SPDX-License-Identifier: MIT
// Copy-up: bringing an object to the upper layer before it is changed.
//
// The copy is made in the work directory with everything it needs and published by one link or
// rename; before that, nothing shows, after it, the node says so (on_upper). Neither the object's nor
// its parent's times change. fsync: data reaches the disk before the publication unless the union is
// volatile; with strict, metadata too.
// Thread-safety: yes; takes the node's busy lock (CopyUpLocked: the caller has it).
#pragma once

#include "unionfs/merge/state.h"

namespace blendfs::merge {

enum class CopyDepth {
  kMetadata,  // attributes; data may stay in the lower layer
  kData,      // everything
  kEmpty,     // attributes, and no data: about to be truncated to nothing
};

// EROFS without an upper. Does nothing where the node is up already.
Status CopyUp(State& state, Node& node, CopyDepth depth);
Status CopyUpDirectory(State& state, Node& node);

// For a node whose upper exists, but not (yet) under this name: a link of an indexed file that has
// been reached through the lower layer only. Makes the name exist on the upper.
Status LinkUp(State& state, Node& node, Node& parent, const std::string& name);

// --- shared by the two files ---
namespace copy_up_internal {

Status MarkImpure(State& state, Node& parent);
// Owner, xattrs, mode, origin and times of `stat` and the object at (dir, name) onto fd.
Status CopyMetadata(State& state, BorrowedFd dir, const char* name, const sys::FileStat& stat,
                    const std::string& origin, BorrowedFd to);
// With busy held, parent (unless `anonymous`) on the upper.
Status CopyUpNonDirectory(State& state, Node& node, Location& location, bool anonymous,
                          CopyDepth depth);
Status CopyUpDataOnly(State& state, Node& node, bool keep_data);

}  // namespace copy_up_internal

}  // namespace blendfs::merge
