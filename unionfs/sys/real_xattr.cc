// SPDX-License-Identifier: MIT
// Extended attributes of any object, by (directory, name) and by any kind of descriptor.
//
// By name: the *xattrat calls where the kernel has them, else l*xattr from a working directory that
// is this thread's own. By descriptor: f*xattr; O_PATH descriptors say EBADF to those (and, as of
// Linux 6.18, to *xattrat with an empty path), so they are named through procfs.
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "unionfs/sys/kernel.h"
#include "unionfs/sys/real_calls.h"
#include "unionfs/sys/thread.h"

namespace blendfs::sys {
namespace {

using kernel::RetryInterrupted;

constexpr size_t kFirstTryBytes = 512;
constexpr size_t kMostBytes = 64 * 1024;  // XATTR_SIZE_MAX and XATTR_LIST_MAX

bool HasXattrAt() { return kernel::TheFeatures().xattrat.load(std::memory_order_relaxed); }

// Runs `call` in `dir` as the working directory; -1 with errno if that cannot be had.
template <typename Call>
ssize_t Inside(int dir, Call call) {
  if (!thread::OwnsWorkingDirectory()) {
    errno = EOPNOTSUPP;
    return -1;
  }
  if (::fchdir(dir) != 0) return -1;
  return call();
}

// An object, and how to reach its attributes.
struct Named {
  int dir;
  const char* name;
  bool follow;  // only for names in the procfs fd directory

  ssize_t Get(const char* key, void* value, size_t size) const {
    if (HasXattrAt()) return kernel::GetXattrAt(dir, name, AtFlags(), key, value, size);
    return Inside(dir, [&] {
      return follow ? ::getxattr(name, key, value, size) : ::lgetxattr(name, key, value, size);
    });
  }
  ssize_t Set(const char* key, const void* value, size_t size, int flags) const {
    if (HasXattrAt()) return kernel::SetXattrAt(dir, name, AtFlags(), key, value, size, flags);
    return Inside(dir, [&]() -> ssize_t {
      return follow ? ::setxattr(name, key, value, size, flags)
                    : ::lsetxattr(name, key, value, size, flags);
    });
  }
  ssize_t List(char* list, size_t size) const {
    if (HasXattrAt()) return kernel::ListXattrAt(dir, name, AtFlags(), list, size);
    return Inside(dir, [&] {
      return follow ? ::listxattr(name, list, size) : ::llistxattr(name, list, size);
    });
  }
  ssize_t Remove(const char* key) const {
    if (HasXattrAt()) return kernel::RemoveXattrAt(dir, name, AtFlags(), key);
    return Inside(dir, [&]() -> ssize_t {
      return follow ? ::removexattr(name, key) : ::lremovexattr(name, key);
    });
  }

 private:
  unsigned AtFlags() const { return follow ? 0 : AT_SYMLINK_NOFOLLOW; }
};

struct Open {
  int fd;

  ssize_t Get(const char* key, void* value, size_t size) const {
    const ssize_t result = ::fgetxattr(fd, key, value, size);
    if (!NeedsProcfs(result)) return result;
    return ByProcfs([&](const Named& named) { return named.Get(key, value, size); });
  }
  ssize_t Set(const char* key, const void* value, size_t size, int flags) const {
    const ssize_t result = ::fsetxattr(fd, key, value, size, flags);
    if (!NeedsProcfs(result)) return result;
    return ByProcfs([&](const Named& named) { return named.Set(key, value, size, flags); });
  }
  ssize_t List(char* list, size_t size) const {
    const ssize_t result = ::flistxattr(fd, list, size);
    if (!NeedsProcfs(result)) return result;
    return ByProcfs([&](const Named& named) { return named.List(list, size); });
  }
  ssize_t Remove(const char* key) const {
    const ssize_t result = ::fremovexattr(fd, key);
    if (!NeedsProcfs(result)) return result;
    return ByProcfs([&](const Named& named) { return named.Remove(key); });
  }

 private:
  static bool NeedsProcfs(ssize_t result) { return result < 0 && errno == EBADF; }

  template <typename Call>
  ssize_t ByProcfs(Call call) const {
    const int fd_directory = thread::FdDirectory();
    if (fd_directory < 0) return -1;
    const thread::FdName name{BorrowedFd(fd)};
    const ssize_t result = call(Named{fd_directory, name.c_str(), true});
    if (result < 0 && errno == ENOENT) errno = EBADF;  // no such descriptor
    return result;
  }
};

// Fetches bytes whose number is not known beforehand and may grow between two calls.
template <typename Fetch>
Result<std::string> FetchAll(Fetch fetch, const char* doing) {
  char small[kFirstTryBytes];
  ssize_t size = RetryInterrupted([&] { return fetch(small, sizeof(small)); });
  if (size >= 0) return std::string(small, static_cast<size_t>(size));
  if (errno != ERANGE) return FailErrno(doing);
  const auto large = std::make_unique_for_overwrite<char[]>(kMostBytes);
  size = RetryInterrupted([&] { return fetch(large.get(), kMostBytes); });
  if (size < 0) return FailErrno(doing);
  return std::string(large.get(), static_cast<size_t>(size));
}

template <typename Object>
Result<std::string> Get(const Object& object, const char* key) {
  return FetchAll([&](char* value, size_t size) { return object.Get(key, value, size); },
                  "get an extended attribute");
}

template <typename Object>
Status Set(const Object& object, const char* key, std::string_view value, int flags) {
  if (RetryInterrupted([&] { return object.Set(key, value.data(), value.size(), flags); }) != 0) {
    return FailErrno("set an extended attribute");
  }
  return {};
}

template <typename Object>
Status Remove(const Object& object, const char* key) {
  if (RetryInterrupted([&] { return object.Remove(key); }) != 0) {
    return FailErrno("remove an extended attribute");
  }
  return {};
}

template <typename Object>
Result<std::vector<std::string>> ListKeys(const Object& object) {
  BLENDFS_ASSIGN(const std::string list,
                 FetchAll([&](char* bytes, size_t size) { return object.List(bytes, size); },
                          "list extended attributes"));
  std::vector<std::string> keys;
  for (size_t at = 0; at < list.size();) {
    const size_t end = list.find('\0', at);
    if (end == list.npos) break;
    if (end > at) keys.emplace_back(list, at, end - at);
    at = end + 1;
  }
  return keys;
}

}  // namespace

Result<std::string> RealCalls::GetXattr(BorrowedFd dir, const char* name, const char* key) {
  return Get(Named{dir.get(), name, false}, key);
}
Result<std::string> RealCalls::GetXattrFd(BorrowedFd fd, const char* key) {
  return Get(Open{fd.get()}, key);
}

Status RealCalls::SetXattr(BorrowedFd dir, const char* name, const char* key,
                           std::string_view value, int flags) {
  return Set(Named{dir.get(), name, false}, key, value, flags);
}
Status RealCalls::SetXattrFd(BorrowedFd fd, const char* key, std::string_view value, int flags) {
  return Set(Open{fd.get()}, key, value, flags);
}

Status RealCalls::RemoveXattr(BorrowedFd dir, const char* name, const char* key) {
  return Remove(Named{dir.get(), name, false}, key);
}
Status RealCalls::RemoveXattrFd(BorrowedFd fd, const char* key) {
  return Remove(Open{fd.get()}, key);
}

Result<std::vector<std::string>> RealCalls::ListXattr(BorrowedFd dir, const char* name) {
  return ListKeys(Named{dir.get(), name, false});
}
Result<std::vector<std::string>> RealCalls::ListXattrFd(BorrowedFd fd) {
  return ListKeys(Open{fd.get()});
}

}  // namespace blendfs::sys
