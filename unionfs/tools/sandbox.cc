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

Status EnterSandbox(const SandboxWish&) { return Fail(ENOSYS, "built without libseccomp"); }

#else
namespace {

// By name: a libseccomp or an architecture that does not know one has nothing to refuse.
constexpr std::array kNever = {
    // other programs
    "execve", "execveat", "fork", "vfork",
    // other processes
    "kcmp", "kill", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "process_madvise",
    "process_vm_readv", "process_vm_writev", "ptrace", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    // code for the kernel
    "bpf", "delete_module", "finit_module", "init_module", "ioperm", "iopl", "kexec_file_load",
    "kexec_load", "perf_event_open", "userfaultfd",
    // where it is: mounts are made before it serves, and unmounting is what ends it
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
    "open_tree", "open_tree_attr", "pivot_root", "setns",
    // the machine
    "acct", "adjtimex", "clock_adjtime", "clock_settime", "quotactl", "quotactl_fd", "reboot",
    "setdomainname", "sethostname", "settimeofday", "swapoff", "swapon",
    // keys
    "add_key", "keyctl", "request_key",
    // whoever would connect to it
    "accept", "accept4", "bind", "listen"};

constexpr std::array kIoUring = {"io_uring_setup", "io_uring_enter", "io_uring_register"};

constexpr std::array kNamespaces = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&seccomp_release)>;

constexpr uint32_t kRefusal = SCMP_ACT_ERRNO(EPERM);

bool Refuse(const Filter& filter, const char* name, uint32_t answer = kRefusal) {
  const int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR) return true;
  const int added = seccomp_rule_add(filter.get(), answer, call, 0);
  return added == 0 || added == -EDOM;  // not on this architecture
}

// Refuses the call unless its first argument is `allowed`.
bool RefuseUnless(const Filter& filter, int call, scmp_datum_t allowed) {
  return seccomp_rule_add(filter.get(), kRefusal, call, 1, SCMP_A0(SCMP_CMP_NE, allowed, 0)) == 0;
}

// Threads are what clone is for. What clone3 asks no filter sees: the C library does with clone where there is none.
bool RefuseNamespaces(const Filter& filter) {
  return Refuse(filter, "clone3", SCMP_ACT_ERRNO(ENOSYS)) &&
         std::ranges::all_of(kNamespaces, [&](int flag) {
           const auto bit = static_cast<scmp_datum_t>(flag);
           return seccomp_rule_add(filter.get(), kRefusal, SCMP_SYS(clone), 1,
                                   SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit)) == 0;
         });
}

bool Fill(const Filter& filter, const SandboxWish& wish) {
  const auto refused = [&](const char* name) { return Refuse(filter, name); };
  return std::ranges::all_of(kNever, refused) &&
         (wish.io_uring || std::ranges::all_of(kIoUring, refused)) && RefuseNamespaces(filter) &&
         // syslog(3) connects again when the log has been restarted.
         RefuseUnless(filter, SCMP_SYS(socket), AF_UNIX) &&
         // Each thread of a union leaves the others' working directory and umask: sys::InitThread.
         RefuseUnless(filter, SCMP_SYS(unshare), CLONE_FS) &&
         seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
         // Else kernels before 5.16 would slow down all of the process for a danger that only programs have
         // that run code of others.
         seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_SSB, 1) == 0;
}

}  // namespace

Status EnterSandbox(const SandboxWish& wish) {
  // A list of what is refused, not of what is allowed: a call that a later libc makes instead of another must not
  // cost anybody data.
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!filter || !Fill(filter, wish)) return Fail(EINVAL, "make a filter of system calls");
  if (const int code = seccomp_load(filter.get()); code != 0)
    return Fail(-code, "load a filter of system calls");
  return {};
}

#endif

}  // namespace blendfs::tools
