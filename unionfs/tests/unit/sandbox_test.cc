// SPDX-License-Identifier: MIT
// What a daemon in its sandbox can still do, and what not.
#include "unionfs/tools/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include "unionfs/tests/unit/child_process.h"
#include "unionfs/tests/unit/temp_tree.h"

namespace blendfs::tools {
namespace {

constexpr int kNoSandbox = 77;

using testing::InChild;

int InSandbox(const SandboxWish& wish, const std::function<int()>& body) {
  return InChild([&] { return EnterSandbox(wish) ? body() : kNoSandbox; });
}

// Whether the call was refused by the sandbox, and not for what it asks.
template <typename Call>
bool IsRefused(Call call) {
  errno = 0;
  return call() == -1 && errno == EPERM;
}

class Sandbox : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: others are refused most of it anyway";
#ifndef BLENDFS_SECCOMP
    GTEST_SKIP() << "built without libseccomp, or with a sanitizer";
#endif
    if (prctl(PR_GET_SECCOMP) == -1) GTEST_SKIP() << "this kernel has no seccomp";
  }
};

TEST_F(Sandbox, StartsNoProgram) {
  EXPECT_EQ(
      InSandbox({},
                [] {
                  char* const arguments[] = {const_cast<char*>("true"), nullptr};
                  return IsRefused([&] { return execve("/bin/true", arguments, nullptr); }) ? 0 : 1;
                }),
      0);
}

TEST_F(Sandbox, ReachesNoOtherProcess) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        if (!IsRefused([] { return ptrace(PTRACE_ATTACH, 1, 0, 0); })) return 1;
                        if (!IsRefused([] { return kill(1, 0); })) return 2;
                        return IsRefused([] { return syscall(SYS_pidfd_open, 1, 0); }) ? 0 : 3;
                      }),
            0);
}

TEST_F(Sandbox, ReachesNeitherNetworkNorMachine) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        if (!IsRefused([] { return socket(AF_INET, SOCK_STREAM, 0); })) return 1;
                        if (!IsRefused([] { return unshare(CLONE_NEWNS); })) return 2;
                        if (!IsRefused([] {
                              return syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
                            }))
                          return 3;
                        if (!IsRefused([] { return mount("none", "/", nullptr, MS_REMOUNT, ""); }))
                          return 4;
                        if (!IsRefused([] { return syscall(SYS_open_tree, AT_FDCWD, "/", 1); }))
                          return 5;
                        if (!IsRefused([] { return syscall(SYS_bpf, 0, nullptr, 0); })) return 6;
                        return IsRefused([] { return chroot("/"); }) ? 0 : 7;
                      }),
            0);
}

TEST_F(Sandbox, DoesWhatAFileSystemDoes) {
  const testing::TempTree empty;
  EXPECT_EQ(InSandbox({},
                      [&] {
                        if (open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0) return 1;
                        if (socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0) return 2;
                        if (unshare(CLONE_FS) != 0) return 3;
                        std::thread([] {}).join();
                        return 0;
                      }),
            0);
  // Nothing is mounted there, which is what unmounting says with and without the sandbox.
  const auto unmounts = [&] { return umount2((empty / "d").c_str(), MNT_DETACH) == 0 ? 0 : errno; };
  EXPECT_EQ(InSandbox({}, unmounts), InChild(unmounts));
}

TEST_F(Sandbox, HoldsThreadsThatWereThereBefore) {
  EXPECT_EQ(InChild([] {
              std::atomic<bool> entered = false;
              std::atomic<bool> refused = false;
              std::thread other([&] {
                entered.wait(false);
                refused = IsRefused([] { return socket(AF_INET, SOCK_STREAM, 0); });
              });
              const bool in = EnterSandbox({}).has_value();
              entered = true;
              entered.notify_all();
              other.join();
              return in && refused ? 0 : 1;
            }),
            0);
}

TEST_F(Sandbox, HasIoUringOnlyWhereItIsWished) {
  const auto makes_ring = [] {
    io_uring_params params{};
    return IsRefused([&] { return syscall(SYS_io_uring_setup, 1, &params); }) ? 1 : 0;
  };
  EXPECT_EQ(InSandbox({}, makes_ring), 1);
  if (makes_ring() == 1) GTEST_SKIP() << "this machine permits no io_uring";
  EXPECT_EQ(InSandbox({.io_uring = true}, makes_ring), 0);
}

}  // namespace
}  // namespace blendfs::tools
