// SPDX-License-Identifier: MIT
#include "unionfs/fuse/backing.h"

#include <linux/ioctl.h>
#include <sys/ioctl.h>

#include <cerrno>

namespace blendfs::fuse {
namespace {

// Of <linux/fuse.h> 7.40; older headers lack them.
struct BackingMap {
  int32_t fd;
  uint32_t flags;
  uint64_t padding;
};
constexpr unsigned kMagic = 229;
constexpr unsigned long kBackingOpen = _IOW(kMagic, 1, BackingMap);
constexpr unsigned long kBackingClose = _IOW(kMagic, 2, uint32_t);

}  // namespace

Result<int> KernelBackingFiles::Register(BorrowedFd fd) {
  BackingMap map{fd.get(), 0, 0};
  int id = ioctl(device_.get(), kBackingOpen, &map);
  if (id < 0) return FailErrno("register backing file");
  if (id == 0) return Fail(EINVAL, "register backing file");
  return id;
}

void KernelBackingFiles::Unregister(int backing_id) {
  uint32_t id = static_cast<uint32_t>(backing_id);
  ioctl(device_.get(), kBackingClose,
        &id);  // fails only when the connection is gone, and the id with it
}

}  // namespace blendfs::fuse
