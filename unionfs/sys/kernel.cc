// SPDX-License-Identifier: MIT
#include "unionfs/sys/kernel.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace blendfs::sys::kernel {
namespace {

// These have the same number on every architecture.
constexpr long kOpenAt2 = 437;
constexpr long kFchmodAt2 = 452;
constexpr long kSetXattrAt = 463;
constexpr long kGetXattrAt = 464;
constexpr long kListXattrAt = 465;
constexpr long kRemoveXattrAt = 466;

struct XattrArgs {
  uint64_t value;
  uint32_t size;
  uint32_t flags;
};

// A missing call says ENOSYS; a sandbox that does not know it says EPERM as a rule. A present one
// looks at the descriptor -1 and says EBADF.
bool Present(long result) { return result < 0 && errno == EBADF; }

}  // namespace

Features& TheFeatures() {
  static Features* const features = [] {
    auto* found = new Features;
    found->openat2 = Present(OpenAt2(-1, "x", O_PATH | O_CLOEXEC, 0));
    found->fchmodat2 = Present(ChmodAt2(-1, "x", 0, 0));
    char byte = 0;
    found->xattrat = Present(GetXattrAt(-1, "x", 0, "user.x", &byte, 1));
    return found;
  }();
  return *features;
}

int OpenAt2(int dir, const char* path, int flags, uint64_t resolve) {
  struct open_how how {};
  how.flags = static_cast<uint32_t>(flags);
  how.resolve = resolve;
  return static_cast<int>(::syscall(kOpenAt2, dir, path, &how, sizeof(how)));
}

int ChmodAt2(int dir, const char* path, mode_t mode, unsigned flags) {
  return static_cast<int>(::syscall(kFchmodAt2, dir, path, mode, flags));
}

ssize_t GetXattrAt(int dir, const char* path, unsigned at_flags, const char* key, void* value,
                   size_t size) {
  XattrArgs args{reinterpret_cast<uintptr_t>(value), static_cast<uint32_t>(size), 0};
  return ::syscall(kGetXattrAt, dir, path, at_flags, key, &args, sizeof(args));
}

int SetXattrAt(int dir, const char* path, unsigned at_flags, const char* key, const void* value,
               size_t size, int flags) {
  XattrArgs args{reinterpret_cast<uintptr_t>(value), static_cast<uint32_t>(size),
                 static_cast<uint32_t>(flags)};
  return static_cast<int>(::syscall(kSetXattrAt, dir, path, at_flags, key, &args, sizeof(args)));
}

ssize_t ListXattrAt(int dir, const char* path, unsigned at_flags, char* list, size_t size) {
  return ::syscall(kListXattrAt, dir, path, at_flags, list, size);
}

int RemoveXattrAt(int dir, const char* path, unsigned at_flags, const char* key) {
  return static_cast<int>(::syscall(kRemoveXattrAt, dir, path, at_flags, key));
}

}  // namespace blendfs::sys::kernel
