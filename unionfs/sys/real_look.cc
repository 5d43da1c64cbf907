// SPDX-License-Identifier: MIT
// Looking at objects: attributes, link targets, directory contents.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <limits>
#include <memory>

#include "unionfs/sys/kernel.h"
#include "unionfs/sys/real_calls.h"
#include "unionfs/sys/thread.h"

namespace blendfs::sys {
namespace {

using kernel::RetryInterrupted;

constexpr size_t kListBytes = 64 * 1024;

struct timespec ToTimespec(const struct statx_timestamp& stamp) {
  struct timespec time {};
  time.tv_sec = stamp.tv_sec;
  time.tv_nsec = stamp.tv_nsec;
  return time;
}

Result<FileStat> StatAt(int dir, const char* name, int flags) {
  struct statx from;  // filled by the kernel
  const int result = RetryInterrupted([&] {
    return ::statx(dir, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                   STATX_BASIC_STATS | STATX_BTIME, &from);
  });
  if (result != 0) return FailErrno("stat");
  FileStat stat;
  stat.ino = from.stx_ino;
  stat.dev = makedev(from.stx_dev_major, from.stx_dev_minor);
  stat.rdev = makedev(from.stx_rdev_major, from.stx_rdev_minor);
  stat.mode = from.stx_mode;
  stat.nlink = from.stx_nlink;
  stat.uid = from.stx_uid;
  stat.gid = from.stx_gid;
  stat.size = from.stx_size;
  stat.blocks = from.stx_blocks;
  stat.blksize = from.stx_blksize;
  stat.atime = ToTimespec(from.stx_atime);
  stat.mtime = ToTimespec(from.stx_mtime);
  stat.ctime = ToTimespec(from.stx_ctime);
  if ((from.stx_mask & STATX_BTIME) != 0) stat.btime = ToTimespec(from.stx_btime);
  stat.attributes = from.stx_attributes & from.stx_attributes_mask;
  return stat;
}

Result<std::string> ReadLinkAt(int dir, const char* name) {
  char target[PATH_MAX];
  const ssize_t length =
      RetryInterrupted([&] { return ::readlinkat(dir, name, target, sizeof(target)); });
  if (length < 0) return FailErrno("read symlink");
  if (static_cast<size_t>(length) == sizeof(target)) return Fail(ENAMETOOLONG, "read symlink");
  return std::string(target, static_cast<size_t>(length));
}

bool IsDotOrDotDot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

uint8_t TypeOf(int dir, const char* name) {
  const Result<FileStat> stat = StatAt(dir, name, 0);
  return stat ? static_cast<uint8_t>(IFTODT(stat->mode)) : static_cast<uint8_t>(DT_UNKNOWN);
}

// Appends the entries of one getdents64 buffer. False if the last says that nothing follows: no offset is larger,
// and ext4 gives it to a directory's end, which saves asking for that.
bool Append(int dir, const char* buffer, size_t bytes, std::vector<DirEntry>* entries) {
  bool more = true;
  for (size_t at = 0; at < bytes;) {
    const auto* entry = reinterpret_cast<const struct dirent64*>(buffer + at);
    at += entry->d_reclen;
    more = entry->d_off != std::numeric_limits<int64_t>::max();
    if (IsDotOrDotDot(entry->d_name)) continue;
    DirEntry& added = entries->emplace_back();
    added.name = entry->d_name;
    added.ino = entry->d_ino;
    added.type = entry->d_type != DT_UNKNOWN ? entry->d_type : TypeOf(dir, entry->d_name);
  }
  return more;
}

}  // namespace

Result<FileStat> RealCalls::Stat(BorrowedFd dir, const char* name) {
  return StatAt(dir.get(), name, 0);
}

Result<FileStat> RealCalls::StatFd(BorrowedFd fd) { return StatAt(fd.get(), "", AT_EMPTY_PATH); }

Result<std::string> RealCalls::ReadLink(BorrowedFd dir, const char* name) {
  return ReadLinkAt(dir.get(), name);
}

Result<std::string> RealCalls::ReadLinkFd(BorrowedFd opath_fd) {
  return ReadLinkAt(opath_fd.get(), "");
}

Result<struct statvfs> RealCalls::StatFs(BorrowedFd fd) {
  struct statvfs fs {};
  if (RetryInterrupted([&] { return ::fstatvfs(fd.get(), &fs); }) != 0) return FailErrno("statfs");
  return fs;
}

Result<std::vector<DirEntry>> RealCalls::List(BorrowedFd dir) {
  // A description of our own: the offset of the caller's is shared by all its users.
  const UniqueFd real(RetryInterrupted(
      [&] { return ::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!real) return FailErrno("open a directory to list it");
  const auto buffer = std::make_unique_for_overwrite<char[]>(kListBytes);
  std::vector<DirEntry> entries;
  for (;;) {
    const ssize_t bytes = RetryInterrupted([&] {
      return static_cast<ssize_t>(::syscall(SYS_getdents64, real.get(), buffer.get(), kListBytes));
    });
    if (bytes < 0) return FailErrno("list");
    if (bytes == 0) return entries;
    if (!Append(real.get(), buffer.get(), static_cast<size_t>(bytes), &entries)) return entries;
  }
}

}  // namespace blendfs::sys
