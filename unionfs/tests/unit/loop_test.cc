// SPDX-License-Identifier: MIT
// The request loop over a socket of messages in the place of the FUSE device: everything is served, what takes
// long keeps nobody else waiting, and the loop ends when it shall.
#include "unionfs/fuse/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <condition_variable>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "unionfs/fuse/backlog.h"
#include "unionfs/fuse/request_cost.h"

namespace blendfs::fuse {
namespace {

constexpr std::chrono::seconds kLimit{30};

// Requests are one letter: 'q' quick, 'l' declared to take long, 's' long without saying so. The long ones last
// until Release.
class LoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    device_.reset(ends[0]);
    caller_.reset(ends[1]);
  }

  void Start(unsigned threads, std::chrono::microseconds look_for = {}) {
    loop_.emplace(
        device_.borrow(),
        LoopConfig{.max_threads = threads,
                   .look_for = look_for,
                   .buffer_bytes = 4096,
                   .start_thread = [this](auto body) { return StartThread(std::move(body)); }},
        LoopWork{.serve = [this](std::span<char> request) { Serve(request[0]); },
                 .may_take_long = [](std::span<const char> request) { return request[0] == 'l'; },
                 .one_of_many = [](std::span<const char> request) { return request[0] == 'r'; },
                 .caller = [](std::span<const char>) { return gettid(); }});
    runner_ = std::thread([this] { status_ = loop_->Run(); });
  }

  void TearDown() override {
    Release();
    if (loop_) loop_->Stop();
    if (runner_.joinable()) runner_.join();
  }

  std::thread StartThread(std::function<void()> body) {
    const std::lock_guard lock(mutex_);
    const int number = asked_for_threads_++;
    if (number >= refuse_from_ && number < refuse_to_) {
      throw std::system_error(EAGAIN, std::generic_category());
    }
    return std::thread(std::move(body));
  }

  void Send(char kind) { ASSERT_EQ(write(caller_.get(), &kind, 1), 1); }

  void Serve(char kind) {
    std::unique_lock lock(mutex_);
    if (kind != 'q') {
      ++stuck_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
      --stuck_;
    }
    ++served_;
    changed_.notify_all();
  }

  void Release() {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  template <typename Condition>
  bool Eventually(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, condition);
  }

  UniqueFd device_, caller_;
  std::optional<RequestLoop> loop_;
  std::thread runner_;
  Status status_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int served_ = 0, stuck_ = 0;
  bool released_ = false;
  int asked_for_threads_ = 0;  // the guard is the first
  int refuse_from_ = 0, refuse_to_ = 0;
};

TEST_F(LoopTest, ServesEverything) {
  Start(4, std::chrono::microseconds(50));
  for (int i = 0; i < 2000; ++i) Send('q');
  EXPECT_TRUE(Eventually([this] { return served_ == 2000; }));
}

TEST_F(LoopTest, ServesAfterSleeping) {
  Start(2);
  for (int i = 1; i <= 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));  // the guard sleeps as well
    Send('q');
    EXPECT_TRUE(Eventually([this, i] { return served_ == i; }));
  }
}

TEST_F(LoopTest, WhatTakesLongKeepsNobodyWaiting) {
  Start(3);
  Send('l');
  Send('l');
  ASSERT_TRUE(Eventually([this] { return stuck_ == 2; }));
  Send('q');
  EXPECT_TRUE(Eventually([this] { return served_ == 1; }));
  Release();
  EXPECT_TRUE(Eventually([this] { return served_ == 3; }));
}

TEST_F(LoopTest, TheGuardTakesTheLeadFromAStuckLeader) {
  Start(3);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));  // the guard has to be woken for it
  Send('s');
  ASSERT_TRUE(Eventually([this] { return stuck_ == 1; }));
  Send('q');
  EXPECT_TRUE(Eventually([this] { return served_ == 1; }));
  Release();
  for (int i = 0; i < 50; ++i) Send('q');
  EXPECT_TRUE(Eventually([this] { return served_ == 52; }));
}

TEST_F(LoopTest, OneThreadAloneServesInTurn) {
  Start(1);
  Send('l');
  ASSERT_TRUE(Eventually([this] { return stuck_ == 1; }));
  Send('q');
  Release();
  EXPECT_TRUE(Eventually([this] { return served_ == 2; }));
}

TEST_F(LoopTest, WhenAllThreadsAreStuckTheRestWaitsForTheFirstThatIsDone) {
  Start(3);
  for (int i = 0; i < 3; ++i) Send('s');
  ASSERT_TRUE(Eventually([this] { return stuck_ == 3; }));
  for (int i = 0; i < 20; ++i) Send('q');
  Release();
  EXPECT_TRUE(Eventually([this] { return served_ == 23; }));
}

TEST_F(LoopTest, WithoutNewThreadsThoseThereAreGoOn) {
  refuse_from_ = 1;
  refuse_to_ = INT_MAX;
  Start(4);
  Send('l');
  Send('s');
  ASSERT_TRUE(Eventually([this] { return stuck_ == 1; }));
  Release();
  for (int i = 0; i < 100; ++i) Send('q');
  EXPECT_TRUE(Eventually([this] { return served_ == 102; }));
}

TEST_F(LoopTest, AThreadThatWasRefusedIsAskedForAgain) {
  refuse_from_ = 1;
  refuse_to_ = 6;
  Start(4);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));  // the guard has to be woken for it
  Send('l');
  ASSERT_TRUE(Eventually([this] { return stuck_ == 1; }));
  Send('q');
  EXPECT_TRUE(Eventually([this] { return served_ == 1; })) << "while the other is stuck still";
}

TEST_F(LoopTest, WithoutAGuardAStuckRequestKeepsNobodyWaiting) {
  refuse_to_ = 1;
  Start(3);
  Send('s');
  ASSERT_TRUE(Eventually([this] { return stuck_ == 1; }));
  Send('q');
  EXPECT_TRUE(Eventually([this] { return served_ == 1; }));
}

TEST_F(LoopTest, StopEndsALoopThatIsAboutToGrow) {
  for (int round = 0; round < 200; ++round) {
    Start(8, std::chrono::microseconds(round % 3 * 20));
    for (int i = 0; i < 4; ++i) Send(i % 2 == 0 ? 'q' : 'l');
    if (round % 4 != 0) std::this_thread::sleep_for(std::chrono::microseconds(round * 5));
    Release();
    loop_->Stop();
    runner_.join();
    EXPECT_TRUE(status_);
    loop_.reset();
    char unread;
    while (recv(device_.get(), &unread, 1, MSG_DONTWAIT) > 0) continue;
    released_ = false;
  }
}

TEST_F(LoopTest, ManyAskersAreAllServed) {
  Release();  // long ones end at once, but the lead moves at each
  Start(5, std::chrono::microseconds(30));
  std::vector<std::thread> askers;
  for (int asker = 0; asker < 4; ++asker) {
    askers.emplace_back([this, asker] {
      for (int i = 0; i < 1500; ++i) {
        Send("qlsq"[(i + asker) % 4]);
        if (i % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  EXPECT_TRUE(Eventually([this] { return served_ == 6000; }));
}

TEST_F(LoopTest, StopEndsASleepingLoop) {
  Start(2);
  Send('q');
  ASSERT_TRUE(Eventually([this] { return served_ == 1; }));
  loop_->Stop();
  runner_.join();
  EXPECT_TRUE(status_);
}

// Beside its caller the leader sleeps in a read, on a machine of two processors.
TEST_F(LoopTest, StopEndsALoopThatWaitsInItsRead) {
  Start(2, std::chrono::seconds(20));
  for (int i = 1; i <= 200; ++i) {
    Send('q');
    ASSERT_TRUE(Eventually([this, i] { return served_ == i; }));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  loop_->Stop();
  runner_.join();
  EXPECT_TRUE(status_);
}

TEST_F(LoopTest, ABrokenDeviceEndsTheLoopWithItsError) {
  Start(2);
  caller_.reset();  // reads end with 0 bytes, which the device never says
  runner_.join();
  ASSERT_FALSE(status_);
  EXPECT_EQ(status_.error().code, EIO);
}

template <typename Body>
std::string Request(uint32_t opcode, const Body& body, size_t extra = 0) {
  fuse_in_header header{};
  header.opcode = opcode;
  std::string bytes(sizeof header + sizeof body + extra, '\0');
  memcpy(bytes.data(), &header, sizeof header);
  memcpy(bytes.data() + sizeof header, &body, sizeof body);
  return bytes;
}

TEST(RequestCost, CopiesDataSyncsAndListingsMayTakeLong) {
  fuse_open_in open{};
  EXPECT_FALSE(MayTakeLong(Request(FUSE_OPEN, open)));
  open.flags = O_RDWR;
  EXPECT_TRUE(MayTakeLong(Request(FUSE_OPEN, open)));
  fuse_setattr_in change{};
  change.valid = FATTR_MODE;
  EXPECT_FALSE(MayTakeLong(Request(FUSE_SETATTR, change)));
  change.valid |= FATTR_SIZE;
  EXPECT_TRUE(MayTakeLong(Request(FUSE_SETATTR, change)));
  fuse_read_in read{};
  read.size = 4096;
  EXPECT_FALSE(MayTakeLong(Request(FUSE_READ, read)));
  EXPECT_TRUE(MayTakeLong(Request(FUSE_READDIRPLUS, read)));
  read.size = 1 << 17;
  EXPECT_TRUE(MayTakeLong(Request(FUSE_READ, read)));
  fuse_write_in write{};
  write.size = 4096;
  EXPECT_FALSE(MayTakeLong(Request(FUSE_WRITE, write)));
  write.flags = O_DSYNC;
  EXPECT_TRUE(MayTakeLong(Request(FUSE_WRITE, write)));
  write.flags = 0;
  write.size = 1 << 17;
  EXPECT_TRUE(MayTakeLong(Request(FUSE_WRITE, write)));
  EXPECT_TRUE(MayTakeLong(Request(FUSE_FSYNC, fuse_fsync_in{})));
  EXPECT_FALSE(MayTakeLong(Request(FUSE_LOOKUP, 'x')));
}

TEST(BacklogTest, GrowsByWhatCanBeServedAtTheSameTime) {
  Backlog callers, one, data, pauses;
  for (int i = 1; i <= 20; ++i) {
    EXPECT_EQ(callers.Add(true, 10 + i % 2, false), i >= 4);
    EXPECT_FALSE(one.Add(true, i % 2 == 0 ? 10 : 0, false))
        << "one after another, and what it left";
    EXPECT_EQ(data.Add(true, 10, true), i >= 4);
    EXPECT_FALSE(pauses.Add(i % 4 != 0, i, false));
  }
}

TEST(RequestCost, DataMayBeAskedForInSeveralRequestsAtOnce) {
  EXPECT_TRUE(MayBeOneOfMany(Request(FUSE_READ, fuse_read_in{})));
  EXPECT_TRUE(MayBeOneOfMany(Request(FUSE_WRITE, fuse_write_in{})));
  EXPECT_FALSE(MayBeOneOfMany(Request(FUSE_LOOKUP, 'x')));
  EXPECT_FALSE(MayBeOneOfMany({}));
}

TEST(RequestCost, CutShortIsQuick) {
  EXPECT_FALSE(MayTakeLong({}));
  const std::string whole = Request(FUSE_READ, fuse_read_in{});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(MayTakeLong(std::span(whole.data(), size)));
  }
}

}  // namespace
}  // namespace blendfs::fuse
