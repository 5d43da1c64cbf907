// SPDX-License-Identifier: MIT
#include "unionfs/merge/staging.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace blendfs::merge {

namespace {

constexpr char kDefaultAcl[] = "system.posix_acl_default";

bool IsAbsent(const Error& error) { return error.code == ENODATA || error.code == EOPNOTSUPP; }

}  // namespace

sys::Creator Ourselves() { return sys::Creator{::geteuid(), ::getegid(), 0}; }

KeepTimes::KeepTimes(State& state, BorrowedFd directory)
    : state_(state), directory_(directory), before_(state.os.StatFd(directory)) {}

KeepTimes::~KeepTimes() {
  if (!before_) return;
  const timespec times[2] = {before_->atime, before_->mtime};
  (void)state_.os.SetTimesFd(directory_, times);
}

Staged::~Staged() {
  if (there_) Discard(state_, dir(), name());
}

Status Staged::Publish(BorrowedFd to, const std::string& name, unsigned flags) {
  BLENDFS_TRY(state_.os.Rename(dir(), name_.c_str(), to, name.c_str(), flags));
  there_ = (flags & RENAME_EXCHANGE) != 0;
  return {};
}

Status Staged::TakeIn(BorrowedFd from, const std::string& name) {
  BLENDFS_TRY(state_.os.Rename(from, name.c_str(), dir(), name_.c_str(), RENAME_NOREPLACE));
  there_ = true;
  return {};
}

Result<std::unique_ptr<StagingArea>> StagingArea::For(State& state, BorrowedFd parent) {
  std::unique_ptr<StagingArea> area(new StagingArea(state));
  BLENDFS_ASSIGN(const sys::FileStat stat, state.os.StatFd(parent));
  auto acl = state.os.GetXattrFd(parent, kDefaultAcl);
  if (!acl && !IsAbsent(acl.error())) return tl::unexpected(acl.error());
  if ((stat.mode & S_ISGID) == 0 && !acl) return area;

  area->name_ = state.TempName();
  const char* name = area->name_.c_str();
  BLENDFS_TRY(state.os.MakeDir(state.stack.work(), name, 0700, Ourselves()));
  BLENDFS_ASSIGN(area->own_,
                 state.os.OpenBeneath(state.stack.work(), name, O_RDONLY | O_DIRECTORY));
  const BorrowedFd fd = area->own_.borrow();
  BLENDFS_TRY(state.os.ChownFd(fd, static_cast<uid_t>(-1), stat.gid));
  BLENDFS_TRY(state.os.ChmodFd(fd, 0700 | (stat.mode & S_ISGID)));
  if (acl) BLENDFS_TRY(state.os.SetXattrFd(fd, kDefaultAcl, *acl, 0));
  return area;
}

StagingArea::~StagingArea() {
  if (!name_.empty()) Discard(state_, state_.stack.work(), name_.c_str());
}

Status PutWhiteout(State& state, BorrowedFd upper, const std::string& name) {
  return state.os.MakeNode(upper, name.c_str(), S_IFCHR, 0, Ourselves());
}

Status ReplaceByWhiteout(State& state, BorrowedFd upper, const std::string& name, bool directory) {
  Staged whiteout(state);
  BLENDFS_TRY(PutWhiteout(state, whiteout.dir(), whiteout.name()));
  whiteout.Expect();
  return whiteout.Publish(upper, name, directory ? RENAME_EXCHANGE : 0);
}

void TakeBack(State& state, BorrowedFd upper, const std::string& name, bool directory,
              bool over_whiteout) {
  if (over_whiteout) {
    (void)ReplaceByWhiteout(state, upper, name, directory);
  } else if (directory) {
    (void)state.os.RemoveDir(upper, name.c_str());
  } else {
    (void)state.os.Unlink(upper, name.c_str());
  }
}

namespace {

// Of a directory that is about to go. ENOTEMPTY if there is more.
Status RemoveWhiteouts(State& state, BorrowedFd directory) {
  BLENDFS_ASSIGN(const auto entries, state.os.List(directory));
  for (const sys::DirEntry& entry : entries) {
    BLENDFS_ASSIGN(const sys::FileStat stat, state.os.Stat(directory, entry.name.c_str()));
    bool whiteout = layer::IsWhiteoutDevice(stat);
    if (!whiteout && stat.IsRegular() && stat.size == 0) {
      BLENDFS_ASSIGN(const layer::Marks marks,
                     layer::ReadMarks(state.os, state.format(), directory, entry.name.c_str()));
      whiteout = marks.whiteout;
    }
    if (!whiteout) return Fail(ENOTEMPTY);
    BLENDFS_TRY(state.os.Unlink(directory, entry.name.c_str()));
  }
  return {};
}

}  // namespace

void Discard(State& state, BorrowedFd dir, const char* name) {
  // Best effort: what stays is removed at the next mount.
  if (auto unlinked = state.os.Unlink(dir, name);
      unlinked || (unlinked.error().code != EISDIR && unlinked.error().code != EPERM)) {
    return;
  }
  if (state.os.RemoveDir(dir, name)) return;
  if (auto fd = state.os.OpenBeneath(dir, name, O_RDONLY | O_DIRECTORY)) {
    // Whoever has it open sees it removed, not written to.
    const KeepTimes keep(state, fd->borrow());
    (void)RemoveWhiteouts(state, fd->borrow());
  }
  (void)state.os.RemoveDir(dir, name);
}

}  // namespace blendfs::merge
