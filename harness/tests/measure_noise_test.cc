// SPDX-License-Identifier: MIT
// The machine's noise read, and its settings set and put back, on a made-up /proc and /sys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "harness/base/files.h"
#include "harness/guest/clock.h"
#include "harness/host/pauser.h"
#include "harness/measure/noise_meter.h"
#include "harness/measure/tuning.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MadeUpMachine : public testing::Test {
 protected:
  void SetUp() override {
    Put("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    Put("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
    Put("proc/sys/kernel/randomize_va_space", "2\n");
    Put("sys/kernel/mm/ksm/run", "1\n");
    Put("sys/module/haltpoll/parameters/guest_halt_poll_ns", "0\n");
  }
  void Put(const fs::path& path, const std::string& text) {
    fs::create_directories((root() / path).parent_path());
    std::ofstream(root() / path) << text;
  }
  std::string Get(const fs::path& path) {
    std::ifstream file(root() / path);
    std::string line;
    std::getline(file, line);
    return line;
  }
  std::string Governor() { return Get("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"); }
  std::string Aslr() { return Get("proc/sys/kernel/randomize_va_space"); }
  const fs::path& root() const { return folder_.path(); }
  fs::path record() const { return folder_.path() / "record.json"; }

  TemporaryFolder folder_;
};

using Tune = MadeUpMachine;

TEST_F(Tune, SetsAndPutsBack) {
  {
    const auto tuning = Tuning::Apply(record(), root());
    ASSERT_TRUE(tuning) << tuning.error().message;
    EXPECT_EQ(Governor(), "performance");
    EXPECT_EQ(Aslr(), "0");
    EXPECT_EQ(Get("sys/kernel/mm/ksm/run"), "0");
    EXPECT_EQ(Get("sys/module/haltpoll/parameters/guest_halt_poll_ns"), "200000");
    EXPECT_THAT(tuning->notes(), Contains(HasSubstr("powersave -> performance")));
    EXPECT_EQ(tuning->notes().size(), 4u);  // the second processor was right already
    EXPECT_TRUE(fs::exists(record()));
  }
  EXPECT_EQ(Governor(), "powersave");
  EXPECT_EQ(Aslr(), "2");
  EXPECT_EQ(Get("sys/kernel/mm/ksm/run"), "1");
  EXPECT_FALSE(fs::exists(record()));
}

TEST_F(Tune, WhatAKilledOneLeftIsPutBack) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto tuning = Tuning::Apply(record(), root());
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(Governor(), "performance");
  const auto lines = RestoreTuning(record(), root());
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_EQ(lines->size(), 4u);
  EXPECT_EQ(Governor(), "powersave");
  EXPECT_EQ(Aslr(), "2");
  EXPECT_THAT(RestoreTuning(record(), root()).value(), IsEmpty());
}

// The next one that tunes takes the original for "before", not what the killed one had set.
TEST_F(Tune, TheNextOneStartsFromTheOriginal) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto tuning = Tuning::Apply(record(), root());
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  {
    const auto tuning = Tuning::Apply(record(), root());
    ASSERT_TRUE(tuning);
    EXPECT_EQ(Governor(), "performance");
  }
  EXPECT_EQ(Governor(), "powersave");
}

TEST_F(Tune, TwoAtOnceAreRefused) {
  const auto first = Tuning::Apply(record(), root());
  ASSERT_TRUE(first);
  const auto second = Tuning::Apply(record(), root());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ExitCode::kEnvironment);
  EXPECT_THAT(second.error().message, HasSubstr("another blendbench"));
  EXPECT_FALSE(RestoreTuning(record(), root()));
  EXPECT_EQ(Governor(), "performance");
}

TEST_F(Tune, ADamagedRecordIsNotGuessedAt) {
  std::ofstream(record()) << "{\"torn";
  EXPECT_FALSE(Tuning::Apply(record(), root()));
  EXPECT_EQ(Governor(), "powersave");
  EXPECT_TRUE(fs::exists(record()));
}

TEST_F(MadeUpMachine, SharesAreOfWhatWentBy) {
  const CpuTicks from{100, 1000, 10}, to{160, 1020, 30};
  EXPECT_DOUBLE_EQ(BusyShare(from, to), 0.6);
  EXPECT_DOUBLE_EQ(StealShare(from, to), 0.25);
  EXPECT_EQ(BusyShare(from, from), 0);
  EXPECT_EQ(StealShare(from, from), 0);
  Put("proc/stat", "cpu  10 20 30 400 50 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1\n");
  const auto ticks = ReadCpuTicks(root());
  ASSERT_TRUE(ticks);
  EXPECT_EQ(ticks->busy, 73);
  EXPECT_EQ(ticks->idle, 450);
  EXPECT_EQ(ticks->steal, 8);
  Put("proc/stat", "intr 1 2 3\n");
  EXPECT_FALSE(ReadCpuTicks(root()));
}

TEST_F(MadeUpMachine, StolenTimeOfAStepIsRecorded) {
  Put("proc/stat", "cpu  100 0 0 1000 0 0 0 0 0 0\n");
  NoiseMeter meter(root());
  meter.Before(0, nullptr);
  Put("proc/stat", "cpu  130 0 0 1000 0 0 0 10 0 0\n");
  const nlohmann::json noise = meter.After();
  EXPECT_DOUBLE_EQ(noise.at("steal"), 0.25);
  EXPECT_EQ(noise.at("foreign"), 0);
}

// A process that counts gets as much less done as the pauser says that it took from it. No time is asserted: what
// went by is what the pauser itself measured.
TEST(PauserTest, TakesTheShareItIsToldTo) {
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) {
    }
  double paused_s = 0, running_s = 0;
  {
    const Pauser pauser(0.5, [&](int signal) { ::kill(child, signal); });
    while (pauser.running_s() < 0.3) ::usleep(5000);
    paused_s = pauser.paused_s();
    running_s = pauser.running_s();
  }
  int status = 0;
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_NEAR(paused_s / running_s, 0.5, 0.1);
}

TEST(PauserTest, LeavesTheProcessRunning) {
  int last = 0, calls = 0;
  {
    const Pauser pauser(0.5, [&](int signal) {
      last = signal;
      ++calls;
    });
    while (pauser.paused_s() < 0.01) ::usleep(1000);
  }
  EXPECT_EQ(last, SIGCONT);
  EXPECT_EQ(calls % 2, 0);
  const Pauser none(0, [&](int) { ADD_FAILURE() << "a share of nothing sends nothing"; });
  ::usleep(20'000);
}

}  // namespace
}  // namespace blendbench
