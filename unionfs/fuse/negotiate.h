// SPDX-License-Identifier: MIT
// What is agreed with the kernel at INIT, with the reason for each capability.
// Thread-safety: called once, before any other request.
#pragma once

#include "unionfs/fuse/libfuse.h"

namespace blendfs::fuse {

// The largest write, and the largest request that comes of it: libfuse allows a page for headers.
inline constexpr unsigned kMaxWriteBytes = 1u << 20;
inline constexpr size_t kMaxRequestBytes = kMaxWriteBytes + 4096;

struct Agreement {
  bool passthrough = false;
  bool kernel_opens_directories = false;  // once opendir was answered with ENOSYS
};

Agreement Negotiate(fuse_conn_info& connection, bool want_passthrough);

}  // namespace blendfs::fuse
