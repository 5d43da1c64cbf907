// SPDX-License-Identifier: MIT
// Making, linking, renaming and removing names.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unionfs/sys/kernel.h"
#include "unionfs/sys/real_calls.h"
#include "unionfs/sys/thread.h"

namespace blendfs::sys {
namespace {

using kernel::RetryInterrupted;

template <typename Call>
Status Do(const char* doing, Call call) {
  if (RetryInterrupted(call) != 0) return FailErrno(doing);
  return {};
}

}  // namespace

Result<UniqueFd> RealCalls::Create(BorrowedFd dir, const char* name, int flags, mode_t mode,
                                   const Creator& creator) {
  const thread::ActAs as(creator);
  BLENDFS_TRY(as.status());
  flags |= O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
  UniqueFd fd(RetryInterrupted([&] { return ::openat(dir.get(), name, flags, mode); }));
  if (!fd) return FailErrno("create");
  return fd;
}

Status RealCalls::MakeDir(BorrowedFd dir, const char* name, mode_t mode, const Creator& creator) {
  const thread::ActAs as(creator);
  BLENDFS_TRY(as.status());
  return Do("make a directory", [&] { return ::mkdirat(dir.get(), name, mode); });
}

Status RealCalls::MakeNode(BorrowedFd dir, const char* name, mode_t mode, dev_t rdev,
                           const Creator& creator) {
  const thread::ActAs as(creator);
  BLENDFS_TRY(as.status());
  return Do("make a node", [&] { return ::mknodat(dir.get(), name, mode, rdev); });
}

Status RealCalls::MakeSymlink(const char* target, BorrowedFd dir, const char* name,
                              const Creator& creator) {
  const thread::ActAs as(creator);
  BLENDFS_TRY(as.status());
  return Do("make a symlink", [&] { return ::symlinkat(target, dir.get(), name); });
}

Status RealCalls::Link(BorrowedFd from_dir, const char* from, BorrowedFd to_dir, const char* to) {
  return Do("link", [&] { return ::linkat(from_dir.get(), from, to_dir.get(), to, 0); });
}

Status RealCalls::LinkFd(BorrowedFd fd, BorrowedFd to_dir, const char* to) {
  const int direct =
      RetryInterrupted([&] { return ::linkat(fd.get(), "", to_dir.get(), to, AT_EMPTY_PATH); });
  if (direct == 0) return {};
  // ENOENT is also what a caller without CAP_DAC_READ_SEARCH gets: then by way of procfs.
  if (errno != ENOENT) return FailErrno("link");
  const int fd_directory = thread::FdDirectory();
  if (fd_directory < 0) return Fail(ENOENT, "link");
  return Do("link", [&] {
    return ::linkat(fd_directory, thread::FdName(fd).c_str(), to_dir.get(), to, AT_SYMLINK_FOLLOW);
  });
}

Status RealCalls::Unlink(BorrowedFd dir, const char* name) {
  return Do("unlink", [&] { return ::unlinkat(dir.get(), name, 0); });
}

Status RealCalls::RemoveDir(BorrowedFd dir, const char* name) {
  return Do("remove a directory", [&] { return ::unlinkat(dir.get(), name, AT_REMOVEDIR); });
}

Status RealCalls::Rename(BorrowedFd from_dir, const char* from, BorrowedFd to_dir, const char* to,
                         unsigned flags) {
  return Do("rename", [&] { return ::renameat2(from_dir.get(), from, to_dir.get(), to, flags); });
}

}  // namespace blendfs::sys
