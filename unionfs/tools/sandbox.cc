// SPDX-License-Identifier: MIT
#include "unionfs/tools/sandbox.h"

#ifdef BLENDFS_SECCOMP
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <type_traits>
#endif

namespace blendfs::tools {

#ifndef BLENDFS_SECCOMP

bool EnterSandbox(const SandboxWish&) { return false; }

#else
namespace {

// By name: a libseccomp or an architecture that does not know one has nothing to refuse.
constexpr std::array kNever = {
    // other programs
    "execve", "execveat", "fork", "vfork",
    // other processes
    "kcmp", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "process_madvise", "process_vm_readv",
    "process_vm_writev", "ptrace",
    // code for the kernel
    "bpf", "delete_module", "finit_module", "init_module", "ioperm", "iopl", "kexec_file_load",
    "kexec_load", "perf_event_open", "userfaultfd",
    // where it is: mounts are made before it serves, and unmounting is what ends it
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
    "pivot_root", "setns",
    // the machine
    "acct", "adjtimex", "clock_adjtime", "clock_settime", "quotactl", "quotactl_fd", "reboot",
    "setdomainname", "sethostname", "settimeofday", "swapoff", "swapon",
    // keys
    "add_key", "keyctl", "request_key",
    // whoever would connect to it
    "accept", "accept4", "bind", "listen"};

constexpr std::array kIoUring = {"io_uring_setup", "io_uring_enter", "io_uring_register"};

using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&seccomp_release)>;

constexpr uint32_t kRefusal = SCMP_ACT_ERRNO(EPERM);

bool Refuse(const Filter& filter, const char* name) {
  const int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR) return true;
  const int added = seccomp_rule_add(filter.get(), kRefusal, call, 0);
  return added == 0 || added == -EDOM;  // not on this architecture
}

// Refuses the call unless its first argument is `allowed`.
bool RefuseUnless(const Filter& filter, int call, scmp_datum_t allowed) {
  return seccomp_rule_add(filter.get(), kRefusal, call, 1, SCMP_A0(SCMP_CMP_NE, allowed, 0)) == 0;
}

}  // namespace

bool EnterSandbox(const SandboxWish& wish) {
  // A list of what is refused, not of what is allowed: a call that a later libc makes instead of another must not
  // cost anybody data.
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  const auto refused = [&](const char* name) { return Refuse(filter, name); };
  return filter && std::ranges::all_of(kNever, refused) &&
         (wish.io_uring || std::ranges::all_of(kIoUring, refused)) &&
         // syslog(3) connects again when the log has been restarted.
         RefuseUnless(filter, SCMP_SYS(socket), AF_UNIX) &&
         // Each thread of a union leaves the others' working directory and umask: sys::InitThread.
         RefuseUnless(filter, SCMP_SYS(unshare), CLONE_FS) &&
         seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
         // Else kernels before 5.16 would slow down all of the process for a danger that only programs have
         // that run code of others.
         seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_SSB, 1) == 0 &&
         seccomp_load(filter.get()) == 0;
}

#endif

}  // namespace blendfs::tools
