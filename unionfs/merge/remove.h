// SPDX-License-Identifier: MIT
// What unlink, rmdir and a rename over something share.
// Thread-safety: the node's busy lock is held by the caller.
#pragma once

#include "unionfs/merge/lookup.h"

namespace blendfs::merge {

// Before a name goes: opens an O_PATH descriptor of its upper object, so that the node no longer
// depends on the name, and prepares the link count of an indexed one.
// True if that is the object's last name.
Result<bool> PrepareUnlink(State& state, Node& node, Node& parent, const std::string& name);

// After a name went: counts, the index entry, the table.
void AfterUnlink(State& state, Node& node, Node& parent, const std::string& name, bool last);

// Why a directory that is not empty can be neither removed nor replaced: EPERM where it or its parent is immutable
// or append-only, which comes first, else ENOTEMPTY. (The kernel does not know these flags, and has not asked.)
Status RefuseNotEmpty(State& state, Node& parent, Node& directory);

// What the upper itself has under a name.
enum class UpperName { kNothing, kObject, kWhiteout };
Result<UpperName> SeeUpper(State& state, Node& parent, const std::string& name);

}  // namespace blendfs::merge
