// SPDX-License-Identifier: MIT
// What the daemon may ask the kernel for, once it serves: files, and nothing that makes more of it than a file system.
#pragma once

namespace blendfs::tools {

struct SandboxWish {
  bool io_uring = false;  // requests come by io_uring
};

// Refuses, for good and with EPERM, in all threads of this process: starting programs, tracing and reading other
// processes, sockets other than to the local log, making mounts and namespaces, code for the kernel (modules, bpf, kexec),
// io_uring unless it is wished for, the clock, keys, and shutting down. For a daemon of root that has mounted and has not
// yet begun to serve; it sets no_new_privs. Whoever needs fusermount3 to unmount must not call it.
// Returns false, and the process stays as it was, where the kernel has no seccomp or blendfs was built without libseccomp.
// Thread-safety: any thread, once.
bool EnterSandbox(const SandboxWish& wish);

}  // namespace blendfs::tools
