// SPDX-License-Identifier: MIT
// The kernel's table of backing files of one connection. libfuse has calls for it that want a request and log
// every failure; failures are normal here (open_policy.h), so the ioctl is used itself.
// Thread-safety: any thread, after the descriptor was set.
#pragma once

#include "unionfs/fuse/open_policy.h"

namespace blendfs::fuse {

class KernelBackingFiles : public BackingFiles {
 public:
  void SetDevice(BorrowedFd device) { device_ = device; }
  Result<int> Register(BorrowedFd fd) override;
  void Unregister(int backing_id) override;

 private:
  BorrowedFd device_;
};

}  // namespace blendfs::fuse
