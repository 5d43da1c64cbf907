// SPDX-License-Identifier: MIT
#include "unionfs/sys/filesystem.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

#include "unionfs/sys/kernel.h"
#include "unionfs/sys/thread.h"

namespace blendfs::sys {
namespace {

using kernel::RetryInterrupted;

constexpr size_t kUuidBytes = 16;

// FS_IOC_GETFSUUID, any file system since Linux 6.9; our C library's headers are older.
struct FsUuid {
  uint8_t length;
  uint8_t uuid[kUuidBytes];
};
constexpr unsigned long kGetFsUuid = _IOR(0x15, 0, FsUuid);

// EXT4_IOC_GETFSUUID, ext4 since Linux 6.0. Without room it would say how much it wants.
struct Ext4Uuid {
  uint32_t length;
  uint32_t flags;
  uint8_t uuid[kUuidBytes];
};
constexpr unsigned long kExt4GetFsUuid = _IOR('f', 44, uint64_t);

// btrfs answers with its information block; the UUID in it is the one overlayfs sees.
struct BtrfsInfo {
  uint64_t max_id;
  uint64_t devices;
  uint8_t uuid[kUuidBytes];
  uint8_t rest[1024 - 2 * sizeof(uint64_t) - kUuidBytes];
};
constexpr unsigned long kBtrfsInfo = _IOR(0x94, 31, BtrfsInfo);

}  // namespace

Result<UniqueFd> OpenGiven(const char* path, int flags) {
  UniqueFd fd(RetryInterrupted([&] { return ::open(path, flags | O_CLOEXEC); }));
  if (!fd) return FailErrno("open");
  return fd;
}

Result<UniqueFd> OpenParent(BorrowedFd dir) {
  UniqueFd fd(RetryInterrupted(
      [&] { return ::openat(dir.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd) return FailErrno("open the parent");
  return fd;
}

std::string PathOf(BorrowedFd fd) {
  char path[PATH_MAX];
  const ssize_t size =
      ::readlinkat(thread::FdDirectory(), thread::FdName(fd).c_str(), path, sizeof(path));
  return size < 0 ? std::string() : std::string(path, static_cast<size_t>(size));
}

Status LockExclusive(BorrowedFd fd) {
  if (RetryInterrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) == 0) return {};
  return Fail(errno == EWOULDBLOCK ? EBUSY : errno, "lock");
}

Result<uint64_t> MountId(BorrowedFd fd) {
  struct statx stat;  // filled by the kernel
  if (RetryInterrupted([&] { return ::statx(fd.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &stat); }) !=
      0) {
    return FailErrno("find out the mount");
  }
  if ((stat.stx_mask & STATX_MNT_ID) == 0) return makedev(stat.stx_dev_major, stat.stx_dev_minor);
  return uint64_t{stat.stx_mnt_id};
}

bool WrittenOutComesBeforeNames(BorrowedFd fd) {
  struct statfs fs {};
  struct stat stat {};
  if (::fstatfs(fd.get(), &fs) != 0 || fs.f_type != EXT4_SUPER_MAGIC) return false;
  if (::fstat(fd.get(), &stat) != 0) return false;
  // The name of the device is the last part of what its number links to.
  char path[PATH_MAX], target[PATH_MAX];
  std::snprintf(path, sizeof path, "/sys/dev/block/%u:%u", major(stat.st_dev), minor(stat.st_dev));
  const ssize_t size = ::readlink(path, target, sizeof target - 1);
  if (size <= 0) return false;
  target[size] = '\0';
  const char* slash = std::strrchr(target, '/');
  if (slash == nullptr) return false;
  // Says who writes the journal; "<none>" where there is none.
  std::snprintf(path, sizeof path, "/sys/fs/ext4/%.64s/journal_task", slash + 1);
  const UniqueFd journal(RetryInterrupted([&] { return ::open(path, O_RDONLY | O_CLOEXEC); }));
  char task[16];
  return journal && ::read(journal.get(), task, sizeof task) > 0 && task[0] >= '0' &&
         task[0] <= '9';
}

Result<UniqueFd> CloneMount(BorrowedFd dir, const MountChange& change) {
  UniqueFd tree(static_cast<int>(::syscall(SYS_open_tree, dir.get(), "",
                                           OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)));
  if (!tree) return FailErrno("clone a mount");
  mount_attr attr{};
  if (change.read_only) attr.attr_set |= MOUNT_ATTR_RDONLY;
  if (change.no_directory_access_times) attr.attr_set |= MOUNT_ATTR_NODIRATIME;
  if (change.access_times != MountChange::AccessTimes::kKept) {
    attr.attr_clr |= MOUNT_ATTR__ATIME;
    attr.attr_set |= change.access_times == MountChange::AccessTimes::kNever
                         ? MOUNT_ATTR_NOATIME
                         : MOUNT_ATTR_STRICTATIME;
  }
  if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attr, sizeof attr) != 0) {
    return FailErrno("change a mount");
  }
  return tree;
}

bool IsFuse(BorrowedFd fd) {
  struct statfs fs {};
  return ::fstatfs(fd.get(), &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC;
}

std::vector<uint8_t> FileSystemUuid(BorrowedFd fd) {
  FsUuid any{};
  if (::ioctl(fd.get(), kGetFsUuid, &any) == 0 && any.length == kUuidBytes) {
    return {any.uuid, any.uuid + kUuidBytes};
  }
  Ext4Uuid ext4{};
  ext4.length = kUuidBytes;
  if (::ioctl(fd.get(), kExt4GetFsUuid, &ext4) == 0 && ext4.length == kUuidBytes) {
    return {ext4.uuid, ext4.uuid + kUuidBytes};
  }
  BtrfsInfo btrfs{};
  if (::ioctl(fd.get(), kBtrfsInfo, &btrfs) == 0) {
    return {btrfs.uuid, btrfs.uuid + kUuidBytes};
  }
  return std::vector<uint8_t>(kUuidBytes, 0);
}

}  // namespace blendfs::sys
