// SPDX-License-Identifier: MIT
// What is agreed with the kernel at INIT, with the reason for each capability.
// Thread-safety: called once, before any other request.
#pragma once

#include "unionfs/fuse/libfuse.h"

namespace blendfs::fuse {

struct Agreement {
  bool passthrough = false;
};

Agreement Negotiate(fuse_conn_info& connection, bool want_passthrough);

}  // namespace blendfs::fuse
