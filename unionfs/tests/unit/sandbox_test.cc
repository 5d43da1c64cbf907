// SPDX-License-Identifier: MIT
// What a daemon in its sandbox can still do, and what not.
#include "unionfs/tools/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

namespace blendfs::tools {
namespace {

constexpr int kNoSandbox = 77;

// The exit code of `body` in a process of its own that is in the sandbox: it is for good.
int InSandbox(const SandboxWish& wish, const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(EnterSandbox(wish) ? body() : kNoSandbox);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

// Whether the call was refused by the sandbox, and not for what it asks.
template <typename Call>
bool IsRefused(Call call) {
  errno = 0;
  return call() == -1 && errno == EPERM;
}

class Sandbox : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: others are refused most of it anyway";
    if (InSandbox({}, [] { return 0; }) == kNoSandbox)
      GTEST_SKIP() << "no seccomp in this kernel, or built without libseccomp";
  }
};

TEST_F(Sandbox, StartsNoProgram) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        char* const arguments[] = {const_cast<char*>("true"), nullptr};
                        if (!IsRefused([&] { return execve("/bin/true", arguments, nullptr); }))
                          return 1;
                        return IsRefused([] { return syscall(SYS_fork); }) ? 0 : 2;
                      }),
            0);
}

TEST_F(Sandbox, ReachesNoOtherProcessNetworkOrMachine) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        if (!IsRefused([] { return ptrace(PTRACE_ATTACH, 1, 0, 0); })) return 1;
                        if (!IsRefused([] { return socket(AF_INET, SOCK_STREAM, 0); })) return 2;
                        if (!IsRefused([] { return unshare(CLONE_NEWNS); })) return 3;
                        if (!IsRefused([] { return mount("none", "/", nullptr, MS_REMOUNT, ""); }))
                          return 4;
                        if (!IsRefused([] { return syscall(SYS_bpf, 0, nullptr, 0); })) return 5;
                        if (!IsRefused([] { return chroot("/"); })) return 6;
                        return 0;
                      }),
            0);
}

TEST_F(Sandbox, DoesWhatAFileSystemDoes) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        if (open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0) return 1;
                        if (socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0) return 2;
                        if (unshare(CLONE_FS) != 0) return 3;
                        // Nothing is mounted there, which is what unmounting says.
                        if (umount2("/dev/null", MNT_DETACH) == 0 || errno != EINVAL) return 4;
                        std::thread([] {}).join();
                        return 0;
                      }),
            0);
}

TEST_F(Sandbox, HoldsThreadsThatWereThereBefore) {
  EXPECT_EQ(([] {
              const pid_t child = fork();
              if (child == 0) {
                std::atomic<bool> entered = false;
                std::atomic<bool> refused = false;
                std::thread other([&] {
                  entered.wait(false);
                  refused = IsRefused([] { return socket(AF_INET, SOCK_STREAM, 0); });
                });
                const bool in = EnterSandbox({});
                entered = true;
                entered.notify_all();
                other.join();
                _exit(in && refused ? 0 : 1);
              }
              int status = -1;
              waitpid(child, &status, 0);
              return status;
            }()),
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
