// SPDX-License-Identifier: MIT
// A server that follows its caller from processor to processor, and is let go afterwards.
#include "unionfs/fuse/caller_affinity.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "unionfs/sys/processors.h"

namespace blendfs::fuse {
namespace {

using std::chrono::seconds;

constexpr seconds kLimit{30};

int CountOf(pid_t thread) {
  cpu_set_t allowed;
  return sched_getaffinity(thread, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : -1;
}

class CallerAffinityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    both_ = sys::BothProcessors();
    if (!both_) GTEST_SKIP() << "only on a machine of two processors";
    while (!CPU_ISSET(first_, &*both_)) ++first_;
    second_ = first_ + 1;
    while (!CPU_ISSET(second_, &*both_)) ++second_;
    caller_ = std::thread([this] {
      tid_ = sys::ThisThread();
      while (!done_) sched_yield();
    });
    while (tid_ == 0) sched_yield();
  }
  void TearDown() override {
    done_ = true;
    if (caller_.joinable()) caller_.join();
    if (both_) sys::StayOn(0, *both_);
  }

  // Asks until the serving thread, this one, is where the caller is.
  bool FollowsTo(CallerAffinity& affinity, int processor) {
    sys::StayOn(tid_, sys::OneProcessor(processor));
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (std::chrono::steady_clock::now() < limit) {
      affinity.Note(tid_);
      if (CountOf(0) == 1 && sched_getcpu() == processor && affinity.active()) return true;
    }
    return false;
  }

  std::optional<cpu_set_t> both_;
  int first_ = 0, second_ = 0;
  std::thread caller_;
  std::atomic<pid_t> tid_{0};
  std::atomic<bool> done_{false};
};

TEST_F(CallerAffinityTest, FollowsItsCaller) {
  CallerAffinity affinity(seconds(1));
  EXPECT_TRUE(FollowsTo(affinity, first_));
  EXPECT_TRUE(FollowsTo(affinity, second_));
  EXPECT_TRUE(FollowsTo(affinity, first_));
}

TEST_F(CallerAffinityTest, FollowsACallerWhoseRequestsTakeLong) {
  CallerAffinity affinity(std::chrono::milliseconds(2));
  bool followed = false;
  for (int i = 0; i < 100 && !followed; ++i) {
    affinity.Note(tid_);
    followed = affinity.active();
    std::this_thread::sleep_for(
        std::chrono::milliseconds(4));  // a disk: so long that it is let go again
    affinity.Answered();
  }
  EXPECT_TRUE(followed);
}

TEST_F(CallerAffinityTest, IsAloneWithItsCallerUntilAnotherAsks) {
  CallerAffinity affinity(seconds(10));
  ASSERT_TRUE(FollowsTo(affinity, first_));
  EXPECT_TRUE(affinity.alone());
  affinity.Note(0);
  EXPECT_TRUE(affinity.alone());
  affinity.Note(sys::ThisThread());
  EXPECT_TRUE(affinity.active());
  EXPECT_FALSE(affinity.alone());
}

TEST_F(CallerAffinityTest, IsLetGoWhenNobodyAsksAnyMore) {
  CallerAffinity affinity(std::chrono::milliseconds(20));
  ASSERT_TRUE(FollowsTo(affinity, first_));
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (affinity.active() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_FALSE(affinity.active());
  EXPECT_EQ(CountOf(0), 2);
}

TEST_F(CallerAffinityTest, IsLetGoAtTheEnd) {
  {
    CallerAffinity affinity(seconds(10));
    ASSERT_TRUE(FollowsTo(affinity, second_));
  }
  EXPECT_EQ(CountOf(0), 2);
}

TEST_F(CallerAffinityTest, AnotherThreadTakesItsPlace) {
  CallerAffinity affinity(seconds(10));
  ASSERT_TRUE(FollowsTo(affinity, first_));
  std::thread([&] {
    affinity.Note(tid_);
    EXPECT_EQ(CountOf(0), 1);
  }).join();
  EXPECT_EQ(CountOf(0), 2);
}

TEST_F(CallerAffinityTest, WhatTheServerStartsIsFree) {
  CallerAffinity affinity(seconds(10));
  ASSERT_TRUE(FollowsTo(affinity, first_));
  std::thread([&] {
    EXPECT_EQ(CountOf(0), 1);
    affinity.Free();
    EXPECT_EQ(CountOf(0), 2);
  }).join();
}

TEST_F(CallerAffinityTest, CallersUnknownChangeNothing) {
  CallerAffinity affinity(seconds(10));
  for (int i = 0; i < 200; ++i) affinity.Note(0);
  EXPECT_FALSE(affinity.active());
  EXPECT_EQ(CountOf(0), 2);
}

TEST_F(CallerAffinityTest, CallersThatTakeTurnsHaveNothingOfIt) {
  CallerAffinity affinity(seconds(10));
  for (int i = 0; i < 200; ++i) affinity.Note(i % 2 == 0 ? tid_.load() : sys::ThisThread());
  EXPECT_FALSE(affinity.active());
}

TEST_F(CallerAffinityTest, NoPatienceMeansNever) {
  CallerAffinity affinity(seconds(0));
  for (int i = 0; i < 200; ++i) affinity.Note(tid_);
  EXPECT_FALSE(affinity.active());
}

}  // namespace
}  // namespace blendfs::fuse
