// SPDX-License-Identifier: MIT
// Changing what an object is: mode, owner, times, size, and getting it to the disk.
#include <fcntl.h>
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

bool HasChmodAt2() { return kernel::TheFeatures().fchmodat2.load(std::memory_order_relaxed); }

// chmod through the descriptor's name in procfs, which works on O_PATH; for kernels without
// fchmodat2. On a symlink's descriptor some of them change the symlink and still fail, so that is
// refused beforehand.
Status ChmodByProcfs(BorrowedFd fd, mode_t mode) {
  struct stat stat {};
  if (::fstat(fd.get(), &stat) != 0) return FailErrno("chmod");
  if (S_ISLNK(stat.st_mode)) return Fail(EOPNOTSUPP, "chmod");
  const int fd_directory = thread::FdDirectory();
  if (fd_directory < 0) return FailErrno("chmod without procfs");
  return Do("chmod", [&] { return ::fchmodat(fd_directory, thread::FdName(fd).c_str(), mode, 0); });
}

}  // namespace

Status RealCalls::Chmod(BorrowedFd dir, const char* name, mode_t mode) {
  if (HasChmodAt2()) {
    return Do("chmod",
              [&] { return kernel::ChmodAt2(dir.get(), name, mode, AT_SYMLINK_NOFOLLOW); });
  }
  const UniqueFd object(
      RetryInterrupted([&] { return ::openat(dir.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC); }));
  if (!object) return FailErrno("chmod");
  return ChmodByProcfs(object.borrow(), mode);
}

Status RealCalls::ChmodFd(BorrowedFd fd, mode_t mode) {
  if (RetryInterrupted([&] { return ::fchmod(fd.get(), mode); }) == 0) return {};
  if (errno != EBADF) return FailErrno("chmod");
  // O_PATH (or not open at all, which the next call finds out).
  if (HasChmodAt2()) {
    return Do("chmod", [&] { return kernel::ChmodAt2(fd.get(), "", mode, AT_EMPTY_PATH); });
  }
  return ChmodByProcfs(fd, mode);
}

Status RealCalls::Chown(BorrowedFd dir, const char* name, uid_t uid, gid_t gid) {
  return Do("chown", [&] { return ::fchownat(dir.get(), name, uid, gid, AT_SYMLINK_NOFOLLOW); });
}

Status RealCalls::ChownFd(BorrowedFd fd, uid_t uid, gid_t gid) {
  return Do("chown", [&] { return ::fchownat(fd.get(), "", uid, gid, AT_EMPTY_PATH); });
}

Status RealCalls::SetTimes(BorrowedFd dir, const char* name, const timespec times[2]) {
  return Do("set times", [&] { return ::utimensat(dir.get(), name, times, AT_SYMLINK_NOFOLLOW); });
}

Status RealCalls::SetTimesFd(BorrowedFd fd, const timespec times[2]) {
  if (RetryInterrupted([&] { return ::utimensat(fd.get(), "", times, AT_EMPTY_PATH); }) == 0) {
    return {};
  }
  if (errno != EINVAL && errno != ENOENT) return FailErrno("set times");
  // Kernels before 5.8 do not know the empty path here.
  if (RetryInterrupted([&] { return ::futimens(fd.get(), times); }) == 0) return {};
  if (errno != EBADF) return FailErrno("set times");
  const int fd_directory = thread::FdDirectory();
  if (fd_directory < 0) return FailErrno("set times without procfs");
  return Do("set times",
            [&] { return ::utimensat(fd_directory, thread::FdName(fd).c_str(), times, 0); });
}

Status RealCalls::Truncate(BorrowedFd fd, uint64_t size) {
  return Do("truncate", [&] { return ::ftruncate(fd.get(), static_cast<off_t>(size)); });
}

Status RealCalls::Allocate(BorrowedFd fd, int mode, uint64_t offset, uint64_t length) {
  return Do("allocate", [&] {
    return ::fallocate(fd.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(length));
  });
}

Status RealCalls::Sync(BorrowedFd fd, bool data_only) {
  return Do("sync", [&] { return data_only ? ::fdatasync(fd.get()) : ::fsync(fd.get()); });
}

Status RealCalls::SyncFs(BorrowedFd fd) {
  return Do("sync the file system", [&] { return ::syncfs(fd.get()); });
}

Status RealCalls::WriteOut(BorrowedFd fd) {
  constexpr unsigned kAll =
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  return Do("write out", [&] { return ::sync_file_range(fd.get(), 0, 0, kAll); });
}

}  // namespace blendfs::sys
