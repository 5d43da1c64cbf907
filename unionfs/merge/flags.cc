// SPDX-License-Identifier: MIT
// Inode flags (lsattr, chattr) of regular files and directories.
#include <fcntl.h>

#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/object.h"

namespace blendfs::merge {

namespace {

// The calls want a descriptor that is open for reading, without moving the access time.
Result<UniqueFd> OpenForFlags(State& state, Node& node) {
  if (!node.IsRegular() && !node.IsDir()) return Fail(ENOTTY);
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  const Object object(state, place);
  constexpr int kFlags = O_RDONLY | O_NOATIME;
  return node.IsDir() ? object.Open(kFlags | O_DIRECTORY) : object.OpenFile(kFlags);
}

// With its data: an immutable metadata-only copy could not get them any more.
Status BringUp(State& state, Node& node) {
  if (!node.IsRegular() && !node.IsDir()) return Fail(ENOTTY);
  return CopyUp(state, node, CopyDepth::kData);
}

}  // namespace

Result<unsigned> Union::GetFlags(Node& node) {
  const Steady steady(node);
  BLENDFS_ASSIGN(const UniqueFd fd, OpenForFlags(*state_, node));
  return state_->os.GetFlags(fd.borrow());
}

Status Union::SetFlags(Node& node, unsigned flags) {
  BLENDFS_TRY(BringUp(*state_, node));
  const Steady steady(node);
  BLENDFS_ASSIGN(const UniqueFd fd, OpenForFlags(*state_, node));
  return state_->os.SetFlags(fd.borrow(), flags);
}

Result<sys::ExtendedFlags> Union::GetExtendedFlags(Node& node) {
  const Steady steady(node);
  BLENDFS_ASSIGN(const UniqueFd fd, OpenForFlags(*state_, node));
  return state_->os.GetExtendedFlags(fd.borrow());
}

Status Union::SetExtendedFlags(Node& node, const sys::ExtendedFlags& flags) {
  BLENDFS_TRY(BringUp(*state_, node));
  const Steady steady(node);
  BLENDFS_ASSIGN(const UniqueFd fd, OpenForFlags(*state_, node));
  return state_->os.SetExtendedFlags(fd.borrow(), flags);
}

}  // namespace blendfs::merge
