// SPDX-License-Identifier: MIT
#include "unionfs/sys/thread.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>

namespace blendfs::sys::thread {
namespace {

constexpr uid_t kNobodyYet = static_cast<uid_t>(-1);

struct State {
  uint32_t generation = 0;  // 0: never made ready
  bool own_fs = false;      // umask and working directory are not shared
  bool keeps_capabilities = false;
  uid_t fsuid = kNobodyYet;
  gid_t fsgid = kNobodyYet;
  mode_t umask = 0;
};
thread_local State t_state;

// Counts forks: what a thread prepared in the parent is prepared again in the child.
std::atomic<uint32_t> g_generation{1};

std::mutex g_proc_mutex;
std::atomic<int> g_fd_directory{-1};
std::atomic<uint32_t> g_fd_directory_generation{0};
int g_proc_root = -1;  // never closed: one for the life of the process

bool IsProcfs(int fd) {
  struct statfs fs {};
  return ::fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

// A procfs of our own, attached nowhere: nobody can unmount it, and we do not keep /proc busy.
int OpenPrivateProcfs() {
  const int context = static_cast<int>(::syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC));
  if (context < 0) return -1;
  int mount = -1;
  if (::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0) {
    mount = static_cast<int>(::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                                       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  }
  ::close(context);
  return mount;
}

int OpenProcfs() {
  int fd = OpenPrivateProcfs();
  if (fd < 0) fd = ::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && !IsProcfs(fd)) {
    ::close(fd);
    fd = -1;
  }
  return fd;
}

void PrepareFdDirectory(uint32_t generation) {
  const std::lock_guard lock(g_proc_mutex);
  if (g_fd_directory_generation == generation) return;
  if (g_proc_root < 0) g_proc_root = OpenProcfs();
  int fresh = -1;
  if (g_proc_root >= 0) {
    fresh = ::openat(g_proc_root, "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  const int old = g_fd_directory.exchange(fresh);
  if (old >= 0) ::close(old);
  g_fd_directory_generation = generation;
}

void MakeReady(uint32_t generation) {
  State& state = t_state;
  state = State{};
  state.own_fs = ::unshare(CLONE_FS) == 0;
  const int bits = ::prctl(PR_GET_SECUREBITS);
  if (bits >= 0) {
    state.keeps_capabilities = (bits & SECBIT_NO_SETUID_FIXUP) != 0 ||
                               ::prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) == 0;
  }
  // An invalid id changes nothing and tells the current one. The raw calls act on this thread only.
  state.fsuid = static_cast<uid_t>(::syscall(SYS_setfsuid, kNobodyYet));
  state.fsgid = static_cast<gid_t>(::syscall(SYS_setfsgid, kNobodyYet));
  state.umask = ::umask(0);
  ::umask(state.umask);
  PrepareFdDirectory(generation);
  state.generation = generation;
}

bool SwitchUser(State& state, uid_t uid) {
  if (state.fsuid == uid) return true;
  ::syscall(SYS_setfsuid, uid);
  state.fsuid = static_cast<uid_t>(::syscall(SYS_setfsuid, kNobodyYet));
  return state.fsuid == uid;
}

bool SwitchGroup(State& state, gid_t gid) {
  if (state.fsgid == gid) return true;
  ::syscall(SYS_setfsgid, gid);
  state.fsgid = static_cast<gid_t>(::syscall(SYS_setfsgid, kNobodyYet));
  return state.fsgid == gid;
}

void CountFork() { g_generation.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

void Ensure() {
  const uint32_t generation = g_generation.load(std::memory_order_relaxed);
  if (t_state.generation == generation) [[likely]]
    return;
  static const int registered = ::pthread_atfork(nullptr, nullptr, CountFork);
  static_cast<void>(registered);
  MakeReady(generation);
}

bool OwnsWorkingDirectory() {
  Ensure();
  return t_state.own_fs;
}

ActAs::ActAs(const Creator& creator) {
  Ensure();
  State& state = t_state;
  if (state.umask != creator.umask) {
    ::umask(creator.umask);
    state.umask = creator.umask;
  }
  // The group first: without kept capabilities the change of user gives up the right to change it.
  if (!SwitchGroup(state, creator.gid) || !SwitchUser(state, creator.uid)) {
    status_ = Fail(EPERM, "act as the creating user");
  }
}

ActAs::~ActAs() {
  State& state = t_state;
  if (state.keeps_capabilities) return;
  const int saved = errno;
  SwitchUser(state, ::geteuid());
  SwitchGroup(state, ::getegid());
  errno = saved;
}

int FdDirectory() {
  Ensure();
  const int fd = g_fd_directory.load(std::memory_order_relaxed);
  if (fd < 0) errno = ENOSYS;
  return fd;
}

int ProcRoot() {
  Ensure();
  const std::lock_guard lock(g_proc_mutex);
  return g_proc_root;
}

FdName::FdName(BorrowedFd fd) { std::snprintf(text_, sizeof(text_), "%d", fd.get()); }

}  // namespace blendfs::sys::thread

namespace blendfs::sys {

void InitThread() { thread::Ensure(); }

}  // namespace blendfs::sys
