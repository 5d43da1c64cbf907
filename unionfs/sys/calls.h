// SPDX-License-Identifier: MIT
// The one seam between blendfs and the operating system: every system call on a layer goes through
// Calls, so that a test can wrap it and let just the call it wants fail, or crash after it.
//
// Conventions: a name is one component relative to a directory descriptor, never "" and never with
// a slash unless said otherwise; nothing follows a symlink in the last component. Calls retries EINTR.
// Thread-safety: all methods may be called from any thread at once.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "unionfs/base/result.h"
#include "unionfs/base/unique_fd.h"

namespace blendfs::sys {

// struct fsxattr, which is handed on as it is.
using ExtendedFlags = std::array<std::byte, 28>;

// What blendfs needs of statx(2), with the birth time.
struct FileStat {
  uint64_t ino = 0;
  uint64_t dev = 0;  // as st_dev
  uint64_t rdev = 0;
  uint32_t mode = 0;
  uint32_t nlink = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;
  uint64_t blocks = 0;  // of 512 bytes
  uint32_t blksize = 0;
  struct timespec atime {
  }, mtime{}, ctime{}, btime{};
  uint64_t attributes = 0;  // STATX_ATTR_* that are set

  bool IsDir() const { return S_ISDIR(mode); }
  bool IsRegular() const { return S_ISREG(mode); }
  bool IsSymlink() const { return S_ISLNK(mode); }
};

struct DirEntry {
  std::string name;
  uint64_t ino = 0;
  uint8_t type = 0;  // DT_*; DT_UNKNOWN is resolved by the implementation with a stat
};

// An opaque file handle of name_to_handle_at(2), bytes of `struct file_handle`'s f_handle.
struct Handle {
  int type = 0;
  std::vector<uint8_t> bytes;  // at most MAX_HANDLE_SZ (128)
};

// Who creates: owner and group of the new object, and the umask to apply where the parent has no
// default ACL.
struct Creator {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t umask = 0;
};

class Calls {
 public:
  virtual ~Calls() = default;

  // --- look ---
  virtual Result<FileStat> Stat(BorrowedFd dir, const char* name) = 0;  // of the name, nofollow
  virtual Result<FileStat> StatFd(BorrowedFd fd) = 0;                   // works on O_PATH
  virtual Result<std::string> ReadLink(BorrowedFd dir, const char* name) = 0;
  virtual Result<std::string> ReadLinkFd(BorrowedFd opath_fd) = 0;
  virtual Result<struct statvfs> StatFs(BorrowedFd fd) = 0;
  // Every entry but "." and "..", in the layer's order. Rewinds first.
  virtual Result<std::vector<DirEntry>> List(BorrowedFd dir) = 0;

  // --- open ---
  // openat2 with RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH|RESOLVE_NO_XDEV where the kernel has it (no
  // mount below a layer is ever entered); O_CLOEXEC|O_NOFOLLOW|O_NOCTTY added. `path` may have
  // slashes. ELOOP, EXDEV on an escape.
  virtual Result<UniqueFd> OpenBeneath(BorrowedFd dir, const char* path, int flags) = 0;
  virtual Result<UniqueFd> OpenTmpFile(BorrowedFd dir, int flags, mode_t mode,
                                       const Creator& creator) = 0;
  // A second, independently opened description of the object behind fd (regular files and
  // directories). Needs no mounted /proc in the caller's root (see Init).
  virtual Result<UniqueFd> Reopen(BorrowedFd fd, int flags) = 0;
  virtual Result<Handle> NameToHandle(BorrowedFd dir, const char* name) = 0;  // "" = dir itself
  virtual Result<UniqueFd> OpenHandle(BorrowedFd mount, const Handle& handle, int flags) = 0;

  // --- make and unmake ---
  // These act with fsuid/fsgid/umask of `creator` on the calling thread, all capabilities kept, so
  // that the layer's file system itself applies setgid inheritance and default ACLs.
  virtual Result<UniqueFd> Create(BorrowedFd dir, const char* name, int flags, mode_t mode,
                                  const Creator& creator) = 0;  // adds O_CREAT|O_EXCL
  virtual Status MakeDir(BorrowedFd dir, const char* name, mode_t mode, const Creator& creator) = 0;
  virtual Status MakeNode(BorrowedFd dir, const char* name, mode_t mode, dev_t rdev,
                          const Creator& creator) = 0;
  virtual Status MakeSymlink(const char* target, BorrowedFd dir, const char* name,
                             const Creator& creator) = 0;
  virtual Status Link(BorrowedFd from_dir, const char* from, BorrowedFd to_dir, const char* to) = 0;
  virtual Status LinkFd(BorrowedFd fd, BorrowedFd to_dir, const char* to) = 0;  // O_TMPFILE, O_PATH
  virtual Status Unlink(BorrowedFd dir, const char* name) = 0;
  virtual Status RemoveDir(BorrowedFd dir, const char* name) = 0;
  // flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT.
  virtual Status Rename(BorrowedFd from_dir, const char* from, BorrowedFd to_dir, const char* to,
                        unsigned flags) = 0;

  // --- change ---
  virtual Status Chmod(BorrowedFd dir, const char* name,
                       mode_t mode) = 0;                   // nofollow; symlink: EOPNOTSUPP
  virtual Status ChmodFd(BorrowedFd fd, mode_t mode) = 0;  // works on O_PATH too
  virtual Status Chown(BorrowedFd dir, const char* name, uid_t uid, gid_t gid) = 0;  // -1 keeps
  virtual Status ChownFd(BorrowedFd fd, uid_t uid, gid_t gid) = 0;                   // O_PATH too
  virtual Status SetTimes(BorrowedFd dir, const char* name, const timespec times[2]) = 0;
  virtual Status SetTimesFd(BorrowedFd fd, const timespec times[2]) = 0;  // O_PATH too
  virtual Status Truncate(BorrowedFd fd, uint64_t size) = 0;              // fd open for writing
  virtual Status Allocate(BorrowedFd fd, int mode, uint64_t offset, uint64_t length) = 0;
  virtual Status Sync(BorrowedFd fd, bool data_only) = 0;
  virtual Status SyncFs(BorrowedFd fd) = 0;
  // Hands the file's data to the device and waits for that; nothing is flushed or journalled (filesystem.h
  // says where that is of use).
  virtual Status WriteOut(BorrowedFd fd) = 0;

  // --- extended attributes, of any type of object, symlinks and devices included ---
  // fd forms accept O_PATH. Get: ENODATA when absent; value up to 64 KiB.
  virtual Result<std::string> GetXattr(BorrowedFd dir, const char* name, const char* key) = 0;
  virtual Result<std::string> GetXattrFd(BorrowedFd fd, const char* key) = 0;
  virtual Status SetXattr(BorrowedFd dir, const char* name, const char* key, std::string_view value,
                          int flags) = 0;
  virtual Status SetXattrFd(BorrowedFd fd, const char* key, std::string_view value, int flags) = 0;
  virtual Status RemoveXattr(BorrowedFd dir, const char* name, const char* key) = 0;
  virtual Status RemoveXattrFd(BorrowedFd fd, const char* key) = 0;
  virtual Result<std::vector<std::string>> ListXattr(BorrowedFd dir, const char* name) = 0;
  virtual Result<std::vector<std::string>> ListXattrFd(BorrowedFd fd) = 0;

  // --- data ---
  virtual Result<size_t> Read(BorrowedFd fd, void* buffer, size_t size, uint64_t offset) = 0;
  virtual Result<size_t> Write(BorrowedFd fd, const void* buffer, size_t size, uint64_t offset) = 0;
  virtual Result<uint64_t> Seek(BorrowedFd fd, int64_t offset, int whence) = 0;
  virtual Result<size_t> CopyRange(BorrowedFd from, uint64_t from_offset, BorrowedFd to,
                                   uint64_t to_offset, size_t size) = 0;  // copy_file_range
  virtual Status Clone(BorrowedFd from, BorrowedFd to) = 0;               // FICLONE
  virtual Result<unsigned> GetFlags(BorrowedFd fd) = 0;                   // FS_IOC_GETFLAGS
  virtual Status SetFlags(BorrowedFd fd, unsigned flags) = 0;
  virtual Result<ExtendedFlags> GetExtendedFlags(BorrowedFd fd) = 0;  // FS_IOC_FSGETXATTR
  virtual Status SetExtendedFlags(BorrowedFd fd, const ExtendedFlags& flags) = 0;
};

// Reads until `size` or the end of the file.
Result<size_t> ReadFully(Calls& os, BorrowedFd fd, char* buffer, size_t size, uint64_t offset);

// The real operating system. Init() must have been called by every thread that uses it (it is cheap
// after the first time): it gives the thread its own umask and working directory
// (unshare(CLONE_FS)) and keeps capabilities over setfsuid. The first call opens what is needed to
// do without a mounted /proc later.
Calls& Real();
void InitThread();

}  // namespace blendfs::sys
