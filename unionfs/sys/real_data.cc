// SPDX-License-Identifier: MIT
// Moving bytes, and the one object that is the real operating system.
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "unionfs/sys/kernel.h"
#include "unionfs/sys/real_calls.h"
#include "unionfs/sys/thread.h"

namespace blendfs::sys {

using kernel::RetryInterrupted;

Result<size_t> RealCalls::Read(BorrowedFd fd, void* buffer, size_t size, uint64_t offset) {
  const ssize_t bytes =
      RetryInterrupted([&] { return ::pread(fd.get(), buffer, size, static_cast<off_t>(offset)); });
  if (bytes < 0) return FailErrno("read");
  return static_cast<size_t>(bytes);
}

Result<size_t> RealCalls::Write(BorrowedFd fd, const void* buffer, size_t size, uint64_t offset) {
  const ssize_t bytes = RetryInterrupted(
      [&] { return ::pwrite(fd.get(), buffer, size, static_cast<off_t>(offset)); });
  if (bytes < 0) return FailErrno("write");
  return static_cast<size_t>(bytes);
}

Result<uint64_t> RealCalls::Seek(BorrowedFd fd, int64_t offset, int whence) {
  const off_t at = RetryInterrupted([&] { return ::lseek(fd.get(), offset, whence); });
  if (at < 0) return FailErrno("seek");
  return static_cast<uint64_t>(at);
}

Result<size_t> RealCalls::CopyRange(BorrowedFd from, uint64_t from_offset, BorrowedFd to,
                                    uint64_t to_offset, size_t size) {
  const ssize_t bytes = RetryInterrupted([&] {
    auto from_at = static_cast<off_t>(from_offset);
    auto to_at = static_cast<off_t>(to_offset);
    return ::copy_file_range(from.get(), &from_at, to.get(), &to_at, size, 0);
  });
  if (bytes < 0) return FailErrno("copy a range");
  return static_cast<size_t>(bytes);
}

Status RealCalls::Clone(BorrowedFd from, BorrowedFd to) {
  if (RetryInterrupted([&] { return ::ioctl(to.get(), FICLONE, from.get()); }) != 0) {
    return FailErrno("clone");
  }
  return {};
}

Result<unsigned> RealCalls::GetFlags(BorrowedFd fd) {
  int flags = 0;  // an int, whatever the name of the request says
  if (RetryInterrupted([&] { return ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags); }) != 0) {
    return FailErrno("get file flags");
  }
  return static_cast<unsigned>(flags);
}

Status RealCalls::SetFlags(BorrowedFd fd, unsigned flags) {
  int value = static_cast<int>(flags);
  if (RetryInterrupted([&] { return ::ioctl(fd.get(), FS_IOC_SETFLAGS, &value); }) != 0) {
    return FailErrno("set file flags");
  }
  return {};
}

static_assert(sizeof(ExtendedFlags) == sizeof(struct fsxattr));

Result<ExtendedFlags> RealCalls::GetExtendedFlags(BorrowedFd fd) {
  ExtendedFlags flags{};
  if (RetryInterrupted([&] { return ::ioctl(fd.get(), FS_IOC_FSGETXATTR, flags.data()); }) != 0) {
    return FailErrno("get extended file flags");
  }
  return flags;
}

Status RealCalls::SetExtendedFlags(BorrowedFd fd, const ExtendedFlags& flags) {
  if (RetryInterrupted([&] { return ::ioctl(fd.get(), FS_IOC_FSSETXATTR, flags.data()); }) != 0) {
    return FailErrno("set extended file flags");
  }
  return {};
}

Calls& Real() {
  static RealCalls real;
  return real;
}

Result<size_t> ReadFully(Calls& os, BorrowedFd fd, char* buffer, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    BLENDFS_ASSIGN(const size_t got, os.Read(fd, buffer + done, size - done, offset + done));
    if (got == 0) break;
    done += got;
  }
  return done;
}

}  // namespace blendfs::sys
