// SPDX-License-Identifier: MIT
// Keeps the thread that serves on its caller's processor, on a machine of two.
//
// A caller and a server that take turns have no use for a second processor, but the scheduler gives a woken thread
// the idle one. So every request wakes the other processor, twice: in a virtual machine 20 us and more each, where
// switching threads on one processor takes two. So while a caller's requests follow one another the server stays on
// the caller's processor, and a companion, a thread of the lowest priority, keeps the other from being idle. It costs
// no more than a server that looks for its next request there, and gives way to whoever has work.
//
// Thread-safety: Note by one thread at a time, the serving one; Active from any.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "unionfs/sys/processors.h"

namespace blendfs::fuse {

class CallerAffinity {
 public:
  // `patience`: how long after an answer the next request still counts as following it.
  explicit CallerAffinity(std::chrono::nanoseconds patience);
  ~CallerAffinity();
  CallerAffinity(const CallerAffinity&) = delete;
  CallerAffinity& operator=(const CallerAffinity&) = delete;

  // By the serving thread, for each request: `caller` is the thread that asks, 0 if unknown.
  void Note(pid_t caller);
  // By the same, when that request has been answered.
  void Answered();
  // By a thread that the serving one has started: it may run anywhere, though it inherits that one's place.
  void Free() const;
  // The serving thread is with its caller: no use to look for the next request before sleeping.
  bool active() const { return active_.load(std::memory_order_relaxed); }
  // By the serving thread: it is, and nobody else has asked for a while.
  bool alone() const { return active() && row_ >= kRow; }

 private:
  using Clock = std::chrono::steady_clock;

  // So many requests of one thread in a row before it is worth the while (many processes take turns in a boot).
  static constexpr int kRow = 32;

  void Join(pid_t caller);
  void MoveHere(int processor);
  void Accompany();
  static Clock::duration Now() { return Clock::now().time_since_epoch(); }
  Clock::duration SinceLast() const;

  const std::chrono::nanoseconds patience_;
  const std::optional<cpu_set_t> both_;  // unset: nothing is done
  // When the last request was answered; before that, when it is given up to be waited for (a disk may be slow).
  std::atomic<Clock::rep> last_{0};
  std::atomic<bool> active_{false};

  // The serving thread's.
  pid_t caller_ = 0;      // of the last request
  int row_ = 0;           // its requests that followed one another
  int since_joined_ = 0;  // requests since the caller's processor was last looked at

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::atomic<bool> ended_{false};  // changed under mutex_
  std::atomic<int> processor_{0};   // the caller's; changed under mutex_
  std::atomic<pid_t> server_{0};    // the thread that was moved there; changed under mutex_
  std::thread companion_;
};

}  // namespace blendfs::fuse
