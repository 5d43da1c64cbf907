// SPDX-License-Identifier: MIT
// A process that / depends on runs again, whoever stops it.
#include "unionfs/tools/daemon.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <new>
#include <thread>

namespace blendfs::tools {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

// A process that counts, in memory shared with this one, for as long as it runs.
class CountingProcess {
 public:
  CountingProcess() {
    void* memory = mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    count_ = new (memory) std::atomic<int>(0);
    pid_ = fork();
    if (pid_ != 0) return;
    NeverStayStopped();
    for (;; ++*count_) std::this_thread::sleep_for(1ms);
  }
  ~CountingProcess() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    if (count_ != nullptr) munmap(count_, sizeof *count_);
  }
  CountingProcess(const CountingProcess&) = delete;
  CountingProcess& operator=(const CountingProcess&) = delete;

  bool started() const { return pid_ > 0; }
  void Stop() const { kill(pid_, SIGSTOP); }

  // Whether it counts within a minute: far beyond what it should take, for a machine that is busy.
  bool Runs() const {
    const int before = *count_;
    for (const auto end = steady_clock::now() + 60s; steady_clock::now() < end;) {
      if (*count_ > before + 1) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }

 private:
  std::atomic<int>* count_ = nullptr;
  pid_t pid_ = -1;
};

TEST(Daemon, RunsAgainAfterEachStop) {
  const CountingProcess process;
  ASSERT_TRUE(process.started());
  ASSERT_TRUE(process.Runs());
  for (int round = 0; round < 3; ++round) {
    process.Stop();
    EXPECT_TRUE(process.Runs()) << "round " << round;
  }
}

// Each SIGSTOP throws away the SIGCONT that was to wake the process and has not been taken yet: so many stops that
// some come at just that moment.
TEST(Daemon, RunsAgainAfterAHailOfStops) {
  const CountingProcess process;
  ASSERT_TRUE(process.started());
  ASSERT_TRUE(process.Runs());
  for (int round = 0; round < 3; ++round) {
    for (const auto end = steady_clock::now() + 300ms; steady_clock::now() < end;) process.Stop();
    EXPECT_TRUE(process.Runs()) << "round " << round;
  }
}

}  // namespace
}  // namespace blendfs::tools
