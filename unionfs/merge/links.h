// SPDX-License-Identifier: MIT
// Hard links and origins: how an upper object remembers the lower one it was copied from, and how a
// lower file with several names stays one file after its copy-up (overlayfs's index directory).
//
// An indexed file has an extra name in work/index. How many names the union has for it is kept in
// trusted.overlay.nlink as a difference: to the links of its upper inode ("U+2") while names of the
// upper come and go, which then changes the count in the same system call; to those of its lower
// inode ("L-1") while further lower names are linked to the upper, which does not change the count.
// Thread-safety: yes; the writing calls need the node's busy lock.
#pragma once

#include "unionfs/merge/find.h"

namespace blendfs::merge {

// The lower object an origin leads to; nullopt when it leads nowhere (another layer stack, a replaced
// image) or to an object of another type. An error when that cannot be told now: taking another identity
// because descriptors are short would give one object two nodes.
struct OriginObject {
  ObjectKey key;
  int64_t links = 0;
};
Result<std::optional<OriginObject>> FollowOrigin(State& state, const std::string& raw, mode_t mode);

// Encoded origin for a lower object, or "" when its file system has no handle for it.
Result<std::string> OriginOf(State& state, layer::LayerIndex layer, BorrowedFd dir,
                             const char* name);

// For a lower file with several links: if it was copied up under another name, turns `found` into
// that upper file (index_entry, link_count).
Status FindInIndex(State& state, Node& parent, const std::string& name, Found& found);

// For an upper file with an origin: sets found.link_count if it is indexed.
Status ReadLinkCount(State& state, Node& parent, const std::string& name, Found& found);

// Writes the union's link count of an indexed node (others: nothing) so that it holds through what
// comes next: names of the upper changing, or lower names being linked up.
enum class CountAgainst { kUpper, kLower };
Status WriteLinkCount(State& state, Node& node, CountAgainst base);

// The number of links of a node's real inode, index entry included.
Result<int64_t> RealLinks(State& state, Node& node);

std::string FormatLinkCount(CountAgainst base, int64_t difference);

// Removes the index entry of a node whose last name is gone.
void DropIndexEntry(State& state, Node& node);

}  // namespace blendfs::merge
