// SPDX-License-Identifier: MIT
#include "unionfs/merge/copy_up.h"

#include <fcntl.h>
#include <stdio.h>

#include "unionfs/layer/copy.h"
#include "unionfs/merge/links.h"
#include "unionfs/merge/object.h"
#include "unionfs/merge/shown_whiteout.h"
#include "unionfs/merge/staging.h"

namespace blendfs::merge {

namespace copy_up_internal {

Status MarkImpure(State& state, Node& parent) {
  Directory& dir = *parent.dir;
  if (dir.impure.load(std::memory_order_acquire)) return {};
  BLENDFS_TRY(
      state.os.SetXattrFd(dir.upper_fd(), state.format().Key(layer::kImpure).c_str(), "y", 0));
  dir.impure.store(true, std::memory_order_release);
  return {};
}

Status CopyMetadata(State& state, BorrowedFd dir, const char* name, const sys::FileStat& stat,
                    const std::string& origin, BorrowedFd to) {
  const sys::Creator self = Ourselves();
  if (stat.uid != self.uid || stat.gid != self.gid) {
    BLENDFS_TRY(state.os.ChownFd(to, stat.uid, stat.gid));
  }
  BLENDFS_TRY(layer::CopyXattrs(state.os, state.format(), dir, name, to));
  // After the owner (chown clears suid and sgid) and the ACL (which carries group bits of its own).
  if (!stat.IsSymlink()) BLENDFS_TRY(state.os.ChmodFd(to, stat.mode & 07777));
  if (!origin.empty()) {
    BLENDFS_TRY(state.os.SetXattrFd(to, state.format().Key(layer::kOrigin).c_str(), origin, 0));
  }
  const timespec times[2] = {stat.atime, stat.mtime};
  return state.os.SetTimesFd(to, times);
}

namespace {

// With busy held and the parent on the upper. Without a name (`anonymous`) for a directory that was
// removed but is still open: the copy is removed with it, and lives on in its descriptor.
Status CopyUpDirectoryLocked(State& state, Node& node, Location& location, bool anonymous) {
  const LowerDir& lower = node.dir->lowers.front();
  BLENDFS_ASSIGN(const sys::FileStat stat, state.os.StatFd(lower.fd.borrow()));

  Staged staged(state);
  BLENDFS_TRY(state.os.MakeDir(staged.dir(), staged.name(), 0700, Ourselves()));
  staged.Expect();
  BLENDFS_ASSIGN(UniqueFd fd,
                 state.os.OpenBeneath(staged.dir(), staged.name(), O_PATH | O_DIRECTORY));
  BLENDFS_ASSIGN(const sys::FileStat made, state.os.StatFd(fd.borrow()));
  // The lower directory's own name in its layer is not known; "." is as good for a handle.
  BLENDFS_ASSIGN(const std::string origin, OriginOf(state, lower.layer, lower.fd.borrow(), ""));
  BLENDFS_TRY(CopyMetadata(state, lower.fd.borrow(), ".", stat, origin, fd.borrow()));
  if (!anonymous) {
    BLENDFS_TRY(MarkImpure(state, *location.parent));
    if (state.options.strict_sync) {
      BLENDFS_ASSIGN(const UniqueFd open, state.os.Reopen(fd.borrow(), O_RDONLY | O_DIRECTORY));
      BLENDFS_TRY(state.os.Sync(open.borrow(), false));
    }
    const BorrowedFd parent = location.parent->dir->upper_fd();
    KeepTimes keep(state, parent);
    BLENDFS_TRY(staged.Publish(parent, location.name, RENAME_NOREPLACE));
  }
  node.upper_ino.store(made.ino, std::memory_order_release);
  node.dir->upper.Set(state.fds, state.stack.layer(0), std::move(fd));
  if (anonymous) node.dir->upper.StayOpen();
  node.data_on_upper.store(true, std::memory_order_release);
  node.on_upper.store(true, std::memory_order_release);
  state.directory_copy_ups.fetch_add(1, std::memory_order_relaxed);
  return {};
}

// The directory and those above it that are not on the upper, the highest last. A loop, for paths may be deeper than
// a stack.
std::vector<NodeRef> WayUp(State& state, Node& node) {
  std::vector<NodeRef> way;
  way.push_back(NodeRef::Share(state.table, node));
  while (!way.back()->unlinked.load(std::memory_order_acquire)) {
    NodeRef parent = CurrentLocation(state, *way.back()).parent;
    if (!parent || parent->OnUpper()) break;
    way.push_back(std::move(parent));
  }
  return way;
}

}  // namespace

}  // namespace copy_up_internal

Status CopyUpDirectory(State& state, Node& node) {
  if (!state.stack.has_upper()) return Fail(EROFS);
  while (!node.OnUpper()) {
    std::vector<NodeRef> way = copy_up_internal::WayUp(state, node);
    for (; !way.empty(); way.pop_back()) {
      Node& next = *way.back();
      std::lock_guard busy(next.busy);
      if (next.OnUpper()) continue;
      const bool anonymous = next.unlinked.load(std::memory_order_acquire);
      Location location = CurrentLocation(state, next);
      if (!anonymous && !location.parent->OnUpper()) break;  // it was moved meanwhile
      auto up = copy_up_internal::CopyUpDirectoryLocked(state, next, location, anonymous);
      if (up) continue;
      if (&next == &node || !node.unlinked.load(std::memory_order_acquire)) return up;
      break;  // what was removed meanwhile needs no parent
    }
  }
  return {};
}

Status CopyUp(State& state, Node& node, CopyDepth depth) {
  if (!state.stack.has_upper()) return Fail(EROFS);
  if (node.IsDir()) return CopyUpDirectory(state, node);
  const auto done = [&] {
    return node.OnUpper() && (depth == CopyDepth::kMetadata || node.DataOnUpper());
  };
  while (!done()) {
    Location location = CurrentLocation(state, node);
    bool anonymous = node.unlinked.load(std::memory_order_acquire);
    if (!anonymous) {
      auto parent_up = CopyUpDirectory(state, *location.parent);
      if (!parent_up && !node.unlinked.load(std::memory_order_acquire)) return parent_up;
    }
    std::lock_guard busy(node.busy);
    if (done()) break;
    anonymous = node.unlinked.load(std::memory_order_acquire);
    if (node.OnUpper()) {
      return copy_up_internal::CopyUpDataOnly(state, node, depth == CopyDepth::kData);
    }
    if (!anonymous && !location.parent->OnUpper()) continue;
    return copy_up_internal::CopyUpNonDirectory(state, node, location, anonymous, depth);
  }
  return {};
}

Status LinkUp(State& state, Node& node, Node& parent, const std::string& name) {
  BLENDFS_TRY(CopyUpDirectory(state, parent));
  BLENDFS_TRY(WriteLinkCount(state, node, CountAgainst::kLower));
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  BLENDFS_TRY(copy_up_internal::MarkImpure(state, parent));
  if (node.shown_whiteout) BLENDFS_TRY(MarkShownWhiteouts(state, parent));
  const BorrowedFd upper = parent.dir->upper_fd();
  KeepTimes keep(state, upper);
  auto linked = Object(state, place).LinkTo(upper, name.c_str());
  if (!linked && linked.error().code != EEXIST) return linked;
  return {};
}

}  // namespace blendfs::merge
