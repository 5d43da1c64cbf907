// SPDX-License-Identifier: MIT
// Opening objects: beneath a directory, without a name, again, and by file handle.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/stat.h>

#include <cstring>

#include "unionfs/sys/kernel.h"
#include "unionfs/sys/real_calls.h"
#include "unionfs/sys/thread.h"

namespace blendfs::sys {
namespace {

using kernel::RetryInterrupted;

constexpr uint64_t kBeneath =
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
constexpr int kRaceRetries = 32;

// openat2 refuses flags that O_PATH would silently ignore elsewhere.
int SafeFlags(int flags) {
  if ((flags & O_PATH) != 0) {
    return (flags & (O_PATH | O_DIRECTORY)) | O_CLOEXEC | O_NOFOLLOW;
  }
  return flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
}

Result<UniqueFd> OpenAt(int dir, const char* path, int flags, mode_t mode = 0) {
  UniqueFd fd(RetryInterrupted([&] { return ::openat(dir, path, flags, mode); }));
  if (!fd) return FailErrno("open");
  return fd;
}

// One component of the walk below: neither a way up, nor a symlink, nor another file system.
Result<UniqueFd> OpenComponent(int dir, const std::string& name, int flags, dev_t dev) {
  if (name == "..") return Fail(EXDEV, "open beneath");
  BLENDFS_ASSIGN(UniqueFd fd, OpenAt(dir, name.c_str(), flags));
  struct stat stat {};
  if (::fstat(fd.get(), &stat) != 0) return FailErrno("stat");
  if (stat.st_dev != dev) return Fail(EXDEV, "open beneath");
  return fd;
}

// What openat2 does, a component at a time, for kernels without it.
Result<UniqueFd> WalkBeneath(BorrowedFd dir, const char* path, int flags) {
  struct stat stat {};
  if (::fstat(dir.get(), &stat) != 0) return FailErrno("stat");
  const std::string_view whole = path;
  if (whole.empty()) return Fail(ENOENT, "open beneath");
  if (whole.front() == '/') return Fail(EXDEV, "open beneath");
  UniqueFd held;
  for (size_t at = 0;;) {
    const int parent = held ? held.get() : dir.get();
    const size_t slash = whole.find('/', at);
    const std::string name(whole.substr(at, slash == whole.npos ? slash : slash - at));
    const size_t next = slash == whole.npos ? slash : whole.find_first_not_of('/', slash);
    if (next == whole.npos) {
      const int last_flags = slash == whole.npos ? flags : flags | O_DIRECTORY;
      return OpenComponent(parent, name, last_flags, stat.st_dev);
    }
    Result<UniqueFd> step =
        OpenComponent(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, stat.st_dev);
    if (!step) {
      // O_DIRECTORY turns a symlink in the middle into ENOTDIR, openat2 calls it ELOOP.
      struct stat link {};
      if (step.error().code == ENOTDIR &&
          ::fstatat(parent, name.c_str(), &link, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISLNK(link.st_mode)) {
        return Fail(ELOOP, "open beneath");
      }
      return step;
    }
    held = std::move(*step);
    at = next;
  }
}

// Room for a struct file_handle with the largest payload.
struct HandleBuffer {
  alignas(struct file_handle) unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  struct file_handle* get() {
    return reinterpret_cast<struct file_handle*>(bytes);
  }
};

}  // namespace

Result<UniqueFd> RealCalls::OpenBeneath(BorrowedFd dir, const char* path, int flags) {
  flags = SafeFlags(flags);
  if (!kernel::TheFeatures().openat2.load(std::memory_order_relaxed)) {
    return WalkBeneath(dir, path, flags);
  }
  for (int tries = 0;; ++tries) {
    UniqueFd fd(
        RetryInterrupted([&] { return kernel::OpenAt2(dir.get(), path, flags, kBeneath); }));
    if (fd) return fd;
    // EAGAIN: something was renamed during the walk and the kernel cannot vouch for it.
    if (errno != EAGAIN || tries == kRaceRetries) return FailErrno("open beneath");
  }
}

Result<UniqueFd> RealCalls::OpenTmpFile(BorrowedFd dir, int flags, mode_t mode,
                                        const Creator& creator) {
  const thread::ActAs as(creator);
  BLENDFS_TRY(as.status());
  return OpenAt(dir.get(), ".", flags | O_TMPFILE | O_CLOEXEC, mode);
}

Result<UniqueFd> RealCalls::Reopen(BorrowedFd fd, int flags) {
  flags = (flags & ~O_NOFOLLOW) | O_CLOEXEC | O_NOCTTY;
  if ((flags & O_DIRECTORY) != 0) return OpenAt(fd.get(), ".", flags);
  const int fd_directory = thread::FdDirectory();
  if (fd_directory >= 0) return OpenAt(fd_directory, thread::FdName(fd).c_str(), flags);
  // Without any procfs a directory can still be reopened; a file cannot.
  Result<UniqueFd> again = OpenAt(fd.get(), ".", flags);
  if (!again && again.error().code == ENOTDIR) return Fail(ENOSYS, "reopen without procfs");
  return again;
}

Result<Handle> RealCalls::NameToHandle(BorrowedFd dir, const char* name) {
  HandleBuffer buffer;
  buffer.get()->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  const int flags = name[0] == '\0' ? AT_EMPTY_PATH : 0;
  if (RetryInterrupted([&] {
        return ::name_to_handle_at(dir.get(), name, buffer.get(), &mount_id, flags);
      }) != 0) {
    return FailErrno("get a file handle");
  }
  Handle handle;
  handle.type = buffer.get()->handle_type;
  const unsigned char* bytes = buffer.get()->f_handle;
  handle.bytes.assign(bytes, bytes + buffer.get()->handle_bytes);
  return handle;
}

Result<UniqueFd> RealCalls::OpenHandle(BorrowedFd mount, const Handle& handle, int flags) {
  if (handle.bytes.empty() || handle.bytes.size() > MAX_HANDLE_SZ) {
    return Fail(EINVAL, "open by file handle");
  }
  HandleBuffer buffer;
  buffer.get()->handle_bytes = static_cast<unsigned>(handle.bytes.size());
  buffer.get()->handle_type = handle.type;
  std::memcpy(buffer.get()->f_handle, handle.bytes.data(), handle.bytes.size());
  for (int tries = 0;; ++tries) {
    UniqueFd fd(RetryInterrupted(
        [&] { return ::open_by_handle_at(mount.get(), buffer.get(), flags | O_CLOEXEC); }));
    if (fd) return fd;
    // The kernel's word for an inode number that is just being given to a new file, which a moment later is
    // a stale handle. A lack of memory stays.
    if (errno != ENOMEM || tries == kRaceRetries) return FailErrno("open by file handle");
    ::sched_yield();
  }
}

}  // namespace blendfs::sys
