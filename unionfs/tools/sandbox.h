// SPDX-License-Identifier: MIT
// What the daemon may ask the kernel for, once it serves: files, and nothing that makes more of it than a file system.
#pragma once

#include "unionfs/base/result.h"

namespace blendfs::tools {

struct SandboxWish {
  bool io_uring = false;  // requests come by io_uring, whose operations no filter sees
};

// Refuses, for good and with EPERM, in all threads of this process: starting programs; tracing, reading and signalling
// other processes; sockets other than local ones, of which the log is one; making mounts and namespaces; code for the
// kernel (modules, bpf, kexec); io_uring unless it is wished for; the clock, keys, and shutting down. For a daemon of root
// that has mounted and has not yet begun to serve; it sets no_new_privs. Whoever needs fusermount3 to unmount must not
// call it. ENOSYS where blendfs was built without libseccomp; after any other failure nothing is refused either.
// Thread-safety: any thread, once.
Status EnterSandbox(const SandboxWish& wish);

}  // namespace blendfs::tools
