// SPDX-License-Identifier: MIT
// From a found object to its node.
// Thread-safety: yes.
#pragma once

#include "unionfs/merge/find.h"

namespace blendfs::merge {

// The node of what was found under that name: the live one of that identity, or a new one. Takes the
// descriptors out of `found`.
Result<NodeRef> NodeFor(State& state, Node& parent, const std::string& name, Found& found);

// Find and NodeFor in one.
Result<NodeRef> LookupNode(State& state, Node& parent, const std::string& name, Found* found);

// Where a directory lies in a lower layer, into its node. Takes the descriptor.
void SetLowerDir(State& state, FoundDir& found, LowerDir& dir);

// The lower file with the data of a metadata-only copy. Once a node.
void PinLower(State& state, Node& node, layer::LayerIndex layer, UniqueFd fd);

// The upper object, of which names (others, or one in the index) are left or not: without any it stays open, as no
// handle leads to it. The first one counts.
enum class Names { kNone, kSome };
void PinUpper(State& state, Node& node, UniqueFd fd, Names names);

// A new node for an upper object just made under that name, whose attributes are `stat`.
NodeRef NodeForNew(State& state, Node& parent, const std::string& name, const sys::FileStat& stat,
                   UniqueFd directory, bool shown_whiteout = false);

// The attributes as the union shows them, from those of the real object.
Attr ToAttr(State& state, Node& node, const sys::FileStat& stat);

// Raises the lookup count for the kernel and makes the entry.
Entry ToEntry(NodeRef node, const Attr& attr);

}  // namespace blendfs::merge
