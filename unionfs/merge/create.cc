// SPDX-License-Identifier: MIT
// New objects. Where the upper has nothing under the name, they are made in place, so that its file
// system itself applies setgid inheritance and default ACLs; where a whiteout stands, they are made in
// a staging area that inherits alike, and put over it.
#include <fcntl.h>
#include <stdio.h>

#include <functional>

#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/files.h"
#include "unionfs/merge/lookup.h"
#include "unionfs/merge/shown_whiteout.h"
#include "unionfs/merge/staging.h"

namespace blendfs::merge {

namespace {

// Makes an object under a name in a directory.
using Maker = std::function<Status(BorrowedFd dir, const char* name)>;

// EEXIST unless what stands there is a whiteout.
Status ExpectWhiteout(State& state, Node& parent, const std::string& name) {
  const BorrowedFd upper = parent.dir->upper_fd();
  auto stat = state.os.Stat(upper, name.c_str());
  if (!stat) return tl::unexpected(stat.error());
  BLENDFS_ASSIGN(const bool whiteout,
                 IsWhiteout(state, upper, name, *stat, parent.dir->upper_xattr_whiteouts));
  return whiteout ? Status() : Status(Fail(EEXIST));
}

// Removes a temporary object that was not published.
class TempGuard {
 public:
  TempGuard(State& state, BorrowedFd dir, std::string name)
      : state_(state), dir_(dir), name_(std::move(name)) {}
  ~TempGuard() {
    if (!name_.empty()) Discard(state_, dir_, name_.c_str());
  }
  void Release() { name_.clear(); }

 private:
  State& state_;
  BorrowedFd dir_;
  std::string name_;
};

Status MakeOverWhiteout(State& state, Node& parent, const std::string& name, bool directory,
                        const Maker& make) {
  BLENDFS_TRY(ExpectWhiteout(state, parent, name));
  const BorrowedFd upper = parent.dir->upper_fd();
  BLENDFS_ASSIGN(const auto area, StagingArea::For(state, upper));
  const std::string temp = state.TempName();
  BLENDFS_TRY(make(area->dir(), temp.c_str()));
  TempGuard guard(state, area->dir(), temp);
  if (directory) {
    // Without it the directory below the whiteout would shine through.
    BLENDFS_TRY(state.os.SetXattr(area->dir(), temp.c_str(),
                                  state.format().Key(layer::kOpaque).c_str(), "y", 0));
  }
  BLENDFS_TRY(state.os.Rename(area->dir(), temp.c_str(), upper, name.c_str(),
                              directory ? RENAME_EXCHANGE : 0));
  if (!directory) guard.Release();  // else the guard removes the whiteout
  return {};
}

// True if it took a whiteout's place.
Result<bool> MakeUnder(State& state, Node& parent, const std::string& name, bool directory,
                       const Maker& make) {
  if (parent.unlinked.load(std::memory_order_acquire)) return Fail(ENOENT);
  BLENDFS_TRY(CopyUpDirectory(state, parent));
  auto made = make(parent.dir->upper_fd(), name.c_str());
  if (made) return false;
  if (made.error().code != EEXIST) return tl::unexpected(made.error());
  BLENDFS_TRY(MakeOverWhiteout(state, parent, name, directory, make));
  return true;
}

// A device 0:0, which is built before it gets its name. As MakeUnder.
Result<bool> MakeWhiteoutUnder(State& state, Node& parent, const std::string& name, mode_t mode,
                               const sys::Creator& creator) {
  if (parent.unlinked.load(std::memory_order_acquire)) return Fail(ENOENT);
  BLENDFS_TRY(CopyUpDirectory(state, parent));
  BLENDFS_TRY(MarkShownWhiteouts(state, parent));
  const BorrowedFd upper = parent.dir->upper_fd();
  BLENDFS_ASSIGN(const auto area, StagingArea::For(state, upper));
  const std::string temp = state.TempName();
  TempGuard guard(state, area->dir(), temp);
  BLENDFS_TRY(MakeShownWhiteout(state, area->dir(), temp.c_str(), mode, creator));
  auto published =
      state.os.Rename(area->dir(), temp.c_str(), upper, name.c_str(), RENAME_NOREPLACE);
  const bool over_whiteout = !published && published.error().code == EEXIST;
  if (over_whiteout) {
    BLENDFS_TRY(ExpectWhiteout(state, parent, name));
    published = state.os.Rename(area->dir(), temp.c_str(), upper, name.c_str(), 0);
  }
  if (!published) return tl::unexpected(published.error());
  guard.Release();
  return over_whiteout;
}

Result<Entry> NewEntry(State& state, Node& parent, const std::string& name,
                       bool shown_whiteout = false) {
  const BorrowedFd upper = parent.dir->upper_fd();
  BLENDFS_ASSIGN(const sys::FileStat stat, state.os.Stat(upper, name.c_str()));
  UniqueFd directory;
  if (stat.IsDir()) {
    BLENDFS_ASSIGN(directory, state.os.OpenBeneath(upper, name.c_str(), O_PATH | O_DIRECTORY));
  }
  NodeRef node = NodeForNew(state, parent, name, stat, std::move(directory), shown_whiteout);
  const Attr attr = ToAttr(state, *node, stat);
  return ToEntry(std::move(node), attr);
}

// Makes and tells of it. What cannot be told of (no descriptors are left, say) is not left behind.
Result<Entry> MakeEntry(State& state, Node& parent, std::string_view name_view, bool directory,
                        const Maker& make) {
  const std::string name(name_view);
  BLENDFS_ASSIGN(const bool over_whiteout, MakeUnder(state, parent, name, directory, make));
  Result<Entry> entry = NewEntry(state, parent, name);
  if (!entry) TakeBack(state, parent.dir->upper_fd(), name, directory, over_whiteout);
  return entry;
}

sys::Creator CreatorOf(const Caller& caller) {
  return sys::Creator{caller.uid, caller.gid, caller.umask};
}

Result<Entry> MakeWhiteoutEntry(State& state, Node& parent, std::string_view name_view, mode_t mode,
                                const Caller& caller) {
  const std::string name(name_view);
  BLENDFS_ASSIGN(const bool over_whiteout,
                 MakeWhiteoutUnder(state, parent, name, mode, CreatorOf(caller)));
  Result<Entry> entry = NewEntry(state, parent, name, true);
  if (!entry) TakeBack(state, parent.dir->upper_fd(), name, false, over_whiteout);
  return entry;
}

int CreateFlags(int flags) { return O_RDWR | (flags & (O_SYNC | O_DSYNC)); }

}  // namespace

Result<Entry> Union::MakeNode(Node& parent, std::string_view name, mode_t mode, dev_t rdev,
                              const Caller& caller) {
  if (S_ISCHR(mode) && rdev == 0) return MakeWhiteoutEntry(*state_, parent, name, mode, caller);
  return MakeEntry(*state_, parent, name, false, [&](BorrowedFd dir, const char* at) {
    return state_->os.MakeNode(dir, at, mode, rdev, CreatorOf(caller));
  });
}

Result<Entry> Union::MakeDir(Node& parent, std::string_view name, mode_t mode,
                             const Caller& caller) {
  return MakeEntry(*state_, parent, name, true, [&](BorrowedFd dir, const char* at) {
    return state_->os.MakeDir(dir, at, mode, CreatorOf(caller));
  });
}

Result<Entry> Union::MakeSymlink(Node& parent, std::string_view name, std::string_view target,
                                 const Caller& caller) {
  const std::string to(target);
  return MakeEntry(*state_, parent, name, false, [&](BorrowedFd dir, const char* at) {
    return state_->os.MakeSymlink(to.c_str(), dir, at, CreatorOf(caller));
  });
}

Result<Union::Created> Union::Create(Node& parent, std::string_view name, mode_t mode, int flags,
                                     const Caller& caller) {
  State& state = *state_;
  const std::string text(name);
  UniqueFd fd;
  const Maker make = [&](BorrowedFd dir, const char* at) -> Status {
    BLENDFS_ASSIGN(fd, state.os.Create(dir, at, CreateFlags(flags), mode, CreatorOf(caller)));
    return {};
  };
  BLENDFS_ASSIGN(const bool over_whiteout, MakeUnder(state, parent, text, false, make));
  const Result<sys::FileStat> stat = state.os.StatFd(fd.borrow());
  if (!stat) {
    TakeBack(state, parent.dir->upper_fd(), text, false, over_whiteout);
    return tl::unexpected(stat.error());
  }
  Created created;
  NodeRef node = NodeForNew(state, parent, text, *stat, UniqueFd());
  created.file = std::make_unique<RegularFile>(state, *node, flags, std::move(fd));
  const Attr attr = ToAttr(state, *node, *stat);
  created.entry = ToEntry(std::move(node), attr);
  return created;
}

Result<Union::Created> Union::CreateTmp(Node& parent, mode_t mode, int flags,
                                        const Caller& caller) {
  State& state = *state_;
  if (!state.stack.has_upper()) return Fail(EROFS);
  if (!state.stack.has_tmpfile()) return Fail(EOPNOTSUPP);
  if (parent.unlinked.load(std::memory_order_acquire)) return Fail(ENOENT);
  BLENDFS_TRY(CopyUpDirectory(state, parent));
  BLENDFS_ASSIGN(UniqueFd fd, state.os.OpenTmpFile(parent.dir->upper_fd(), CreateFlags(flags), mode,
                                                   CreatorOf(caller)));
  BLENDFS_ASSIGN(UniqueFd pin, state.os.Reopen(fd.borrow(), O_PATH));
  BLENDFS_ASSIGN(const sys::FileStat stat, state.os.StatFd(fd.borrow()));
  Created created;
  NodeRef node = NodeForNew(state, parent, "", stat, UniqueFd());
  PinUpper(state, *node, std::move(pin), Names::kNone);
  node->unlinked.store(true, std::memory_order_release);
  node->name_valid = false;
  created.file = std::make_unique<RegularFile>(state, *node, flags, std::move(fd));
  const Attr attr = ToAttr(state, *node, stat);
  created.entry = ToEntry(std::move(node), attr);
  return created;
}

}  // namespace blendfs::merge
