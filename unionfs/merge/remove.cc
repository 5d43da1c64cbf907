// SPDX-License-Identifier: MIT
// Unlink and rmdir. Where a lower layer has something under the name, a whiteout takes its place in
// the same rename that removes the upper object.
#include "unionfs/merge/remove.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/links.h"
#include "unionfs/merge/staging.h"

namespace blendfs::merge {

namespace {

// The name goes that the node may be reached by. Whether it is the last one the caller says; if it then does not
// go, the descriptor merely stays open.
Status Pin(State& state, Node& node, Names others) {
  const HeldFd* pin = node.upper_pin.load(std::memory_order_acquire);
  if (pin != nullptr) {
    if (others == Names::kNone) pin->StayOpen();
    return {};
  }
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  if (place.pinned()) return {};
  BLENDFS_ASSIGN(UniqueFd fd, state.os.OpenBeneath(place.dir, place.name.c_str(), O_PATH));
  PinUpper(state, node, std::move(fd), others);
  return {};
}

}  // namespace

void AfterUnlink(State& state, Node& node, Node& parent, const std::string& name, bool last) {
  const int64_t count = node.link_count.load(std::memory_order_acquire);
  if (count >= 0) {
    node.link_count.store(count - 1, std::memory_order_release);
    if (count == 1) DropIndexEntry(state, node);
  }
  {
    std::lock_guard lock(state.LocationLock(node));
    if (node.parent == &parent && node.name == name) node.name_valid = false;
  }
  if (last) {
    node.unlinked.store(true, std::memory_order_release);
    state.table.Remove(node);
  }
}

Result<bool> PrepareUnlink(State& state, Node& node, Node& parent, const std::string& name) {
  if (node.IsDir() || !node.OnUpper()) return true;
  const int64_t count = node.link_count.load(std::memory_order_acquire);
  if (count >= 0) {
    // The name must be the upper's own, so that removing it is what lowers the count.
    BLENDFS_ASSIGN(const UpperName there, SeeUpper(state, parent, name));
    if (there != UpperName::kObject) BLENDFS_TRY(LinkUp(state, node, parent, name));
    BLENDFS_TRY(WriteLinkCount(state, node, CountAgainst::kUpper));
    BLENDFS_TRY(Pin(state, node, count == 1 ? Names::kNone : Names::kSome));
    return count == 1;
  }
  BLENDFS_ASSIGN(const int64_t links, RealLinks(state, node));
  BLENDFS_TRY(Pin(state, node, links <= 1 ? Names::kNone : Names::kSome));
  return links <= 1;
}

Status RefuseNotEmpty(State& state, Node& parent, Node& directory) {
  for (Node* node : {&parent, &directory}) {
    const BorrowedFd upper = node->dir->upper_fd();
    if (!upper) continue;
    BLENDFS_ASSIGN(const sys::FileStat stat, state.os.StatFd(upper));
    if ((stat.attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0) return Fail(EPERM);
  }
  return Fail(ENOTEMPTY);
}

namespace {

// Everything about the object under a name, looked up before it goes.
struct Doomed {
  Found found;
  NodeRef node;
  bool name_on_upper = false;  // the upper has an object under this name
  bool whiteout = false;       // a lower layer would show through
};

Result<Doomed> Look(State& state, Node& parent, const std::string& name) {
  Doomed doomed;
  BLENDFS_ASSIGN(doomed.node, LookupNode(state, parent, name, &doomed.found));
  BLENDFS_ASSIGN(doomed.whiteout, LowerHas(state, parent, name));
  doomed.name_on_upper = doomed.found.named;
  return doomed;
}

// Under the lock: a copy-up may have put the object there since, but nothing takes it away.
Status LookAgain(State& state, Node& parent, const std::string& name, Doomed& doomed) {
  if (doomed.name_on_upper) return {};
  BLENDFS_ASSIGN(const UpperName there, SeeUpper(state, parent, name));
  doomed.name_on_upper = there == UpperName::kObject;
  return {};
}

Status TakeAway(State& state, Node& parent, const std::string& name, const Doomed& doomed) {
  const BorrowedFd upper = parent.dir->upper_fd();
  const bool directory = doomed.node->IsDir();
  if (doomed.whiteout) {
    if (!doomed.name_on_upper) return PutWhiteout(state, upper, name);
    return ReplaceByWhiteout(state, upper, name, directory);
  }
  if (!directory) return state.os.Unlink(upper, name.c_str());
  auto removed = state.os.RemoveDir(upper, name.c_str());
  if (removed || (removed.error().code != ENOTEMPTY && removed.error().code != EEXIST)) {
    return removed;
  }
  // Empty in the union, with whiteouts inside. What they hide may be found by a redirect, and must not come back
  // one by one.
  return Staged(state).TakeIn(upper, name);
}

}  // namespace

Result<UpperName> SeeUpper(State& state, Node& parent, const std::string& name) {
  const BorrowedFd upper = parent.dir->upper_fd();
  if (!upper) return UpperName::kNothing;
  auto stat = state.os.Stat(upper, name.c_str());
  if (!stat && stat.error().code == ENOENT) return UpperName::kNothing;
  if (!stat) return tl::unexpected(stat.error());
  BLENDFS_ASSIGN(const bool whiteout,
                 IsWhiteout(state, upper, name, *stat, parent.dir->upper_xattr_whiteouts));
  return whiteout ? UpperName::kWhiteout : UpperName::kObject;
}

Status Union::Unlink(Node& parent, std::string_view name_view) {
  State& state = *state_;
  const std::string name(name_view);
  if (!state.stack.has_upper()) return Fail(EROFS);
  BLENDFS_TRY(CopyUpDirectory(state, parent));
  BLENDFS_ASSIGN(Doomed doomed, Look(state, parent, name));
  Node& node = *doomed.node;
  if (node.IsDir()) return Fail(EISDIR);
  if (!node.OnUpper() && doomed.found.stat.nlink > 1) {
    // Its other names live on and must stay one file: from here on the index counts them.
    BLENDFS_TRY(CopyUp(state, node, CopyDepth::kMetadata));
  }
  std::lock_guard busy(node.busy);
  BLENDFS_ASSIGN(const bool last, PrepareUnlink(state, node, parent, name));
  BLENDFS_TRY(LookAgain(state, parent, name, doomed));
  BLENDFS_TRY(TakeAway(state, parent, name, doomed));
  AfterUnlink(state, node, parent, name, last);
  return {};
}

Status Union::RemoveDir(Node& parent, std::string_view name_view) {
  State& state = *state_;
  const std::string name(name_view);
  if (!state.stack.has_upper()) return Fail(EROFS);
  BLENDFS_TRY(CopyUpDirectory(state, parent));
  BLENDFS_ASSIGN(Doomed doomed, Look(state, parent, name));
  Node& node = *doomed.node;
  if (!node.IsDir()) return Fail(ENOTDIR);
  OpenOverRemoval open(node.dir->upper);
  std::unique_lock busy(node.busy, std::defer_lock);
  if (node.dir->lowers.empty() && !doomed.whiteout && doomed.name_on_upper) {
    // Of the upper alone: its file system knows whether it is empty, but for whiteouts inside.
    busy.lock();
    auto removed = state.os.RemoveDir(parent.dir->upper_fd(), name.c_str());
    if (removed) {
      open.Gone();
      AfterUnlink(state, node, parent, name, true);
      return {};
    }
    if (removed.error().code != ENOTEMPTY && removed.error().code != EEXIST) return removed;
    busy.unlock();
  }
  BLENDFS_ASSIGN(const auto listing, OpenDirectory(node));
  BLENDFS_TRY(listing->Refresh());
  if (!listing->empty()) return RefuseNotEmpty(state, parent, node);
  busy.lock();
  BLENDFS_TRY(LookAgain(state, parent, name, doomed));
  BLENDFS_TRY(TakeAway(state, parent, name, doomed));
  open.Gone();
  AfterUnlink(state, node, parent, name, true);
  return {};
}

}  // namespace blendfs::merge
