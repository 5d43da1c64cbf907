// SPDX-License-Identifier: MIT
// Calls as the running kernel does them. The methods are defined in real_look.cc, real_open.cc,
// real_make.cc, real_change.cc, real_xattr.cc and real_data.cc, grouped as in calls.h.
// Internal to sys/: everybody else uses Real(). Thread-safety: stateless but for what thread.h
// keeps for each thread.
#pragma once

#include "unionfs/sys/calls.h"

namespace blendfs::sys {

class RealCalls final : public Calls {
 public:
  Result<FileStat> Stat(BorrowedFd dir, const char* name) override;
  Result<FileStat> StatFd(BorrowedFd fd) override;
  Result<std::string> ReadLink(BorrowedFd dir, const char* name) override;
  Result<std::string> ReadLinkFd(BorrowedFd opath_fd) override;
  Result<struct statvfs> StatFs(BorrowedFd fd) override;
  Result<std::vector<DirEntry>> List(BorrowedFd dir) override;

  Result<UniqueFd> OpenBeneath(BorrowedFd dir, const char* path, int flags) override;
  Result<UniqueFd> OpenTmpFile(BorrowedFd dir, int flags, mode_t mode,
                               const Creator& creator) override;
  Result<UniqueFd> Reopen(BorrowedFd fd, int flags) override;
  Result<Handle> NameToHandle(BorrowedFd dir, const char* name) override;
  Result<UniqueFd> OpenHandle(BorrowedFd mount, const Handle& handle, int flags) override;

  Result<UniqueFd> Create(BorrowedFd dir, const char* name, int flags, mode_t mode,
                          const Creator& creator) override;
  Status MakeDir(BorrowedFd dir, const char* name, mode_t mode, const Creator& creator) override;
  Status MakeNode(BorrowedFd dir, const char* name, mode_t mode, dev_t rdev,
                  const Creator& creator) override;
  Status MakeSymlink(const char* target, BorrowedFd dir, const char* name,
                     const Creator& creator) override;
  Status Link(BorrowedFd from_dir, const char* from, BorrowedFd to_dir, const char* to) override;
  Status LinkFd(BorrowedFd fd, BorrowedFd to_dir, const char* to) override;
  Status Unlink(BorrowedFd dir, const char* name) override;
  Status RemoveDir(BorrowedFd dir, const char* name) override;
  Status Rename(BorrowedFd from_dir, const char* from, BorrowedFd to_dir, const char* to,
                unsigned flags) override;

  Status Chmod(BorrowedFd dir, const char* name, mode_t mode) override;
  Status ChmodFd(BorrowedFd fd, mode_t mode) override;
  Status Chown(BorrowedFd dir, const char* name, uid_t uid, gid_t gid) override;
  Status ChownFd(BorrowedFd fd, uid_t uid, gid_t gid) override;
  Status SetTimes(BorrowedFd dir, const char* name, const timespec times[2]) override;
  Status SetTimesFd(BorrowedFd fd, const timespec times[2]) override;
  Status Truncate(BorrowedFd fd, uint64_t size) override;
  Status Allocate(BorrowedFd fd, int mode, uint64_t offset, uint64_t length) override;
  Status Sync(BorrowedFd fd, bool data_only) override;
  Status SyncFs(BorrowedFd fd) override;
  Status WriteOut(BorrowedFd fd) override;

  Result<std::string> GetXattr(BorrowedFd dir, const char* name, const char* key) override;
  Result<std::string> GetXattrFd(BorrowedFd fd, const char* key) override;
  Status SetXattr(BorrowedFd dir, const char* name, const char* key, std::string_view value,
                  int flags) override;
  Status SetXattrFd(BorrowedFd fd, const char* key, std::string_view value, int flags) override;
  Status RemoveXattr(BorrowedFd dir, const char* name, const char* key) override;
  Status RemoveXattrFd(BorrowedFd fd, const char* key) override;
  Result<std::vector<std::string>> ListXattr(BorrowedFd dir, const char* name) override;
  Result<std::vector<std::string>> ListXattrFd(BorrowedFd fd) override;

  Result<size_t> Read(BorrowedFd fd, void* buffer, size_t size, uint64_t offset) override;
  Result<size_t> Write(BorrowedFd fd, const void* buffer, size_t size, uint64_t offset) override;
  Result<uint64_t> Seek(BorrowedFd fd, int64_t offset, int whence) override;
  Result<size_t> CopyRange(BorrowedFd from, uint64_t from_offset, BorrowedFd to, uint64_t to_offset,
                           size_t size) override;
  Status Clone(BorrowedFd from, BorrowedFd to) override;
  Result<unsigned> GetFlags(BorrowedFd fd) override;
  Status SetFlags(BorrowedFd fd, unsigned flags) override;
  Result<ExtendedFlags> GetExtendedFlags(BorrowedFd fd) override;
  Status SetExtendedFlags(BorrowedFd fd, const ExtendedFlags& flags) override;
};

}  // namespace blendfs::sys
