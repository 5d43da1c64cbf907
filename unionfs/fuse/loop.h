// SPDX-License-Identifier: MIT
// Reads requests from the device and has them served, by few wake-ups.
//
// Waking a thread costs more than most requests (on an idle processor of a virtual machine several times as
// much), so one thread, the leader, reads the device and serves what is quick by itself. Before something that
// may take long, or when requests pile up, it hands the lead to another thread. After an answer it looks for the
// next request for a short while before it sleeps: whoever asks once mostly asks again. On two processors
// it joins a caller that goes on asking on that one's processor instead (caller_affinity.h), and sleeps in its read. A guard takes the lead
// away from a leader that is stuck in a request after all (a lookup that waits for a disk), so that others wait
// for it some milliseconds at most.
//
// Where the machine gives no thread (or no memory for one), those there are go on, and the guard asks again.
//
// Thread-safety: Run once; Stop from any thread.
// Errors: Run fails when the device breaks; the end of the mount (ENODEV) is no failure.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "unionfs/base/result.h"
#include "unionfs/base/unique_fd.h"
#include "unionfs/fuse/caller_affinity.h"

namespace blendfs::fuse {

struct LoopConfig {
  unsigned max_threads = 10;
  // How long the leader looks for the next request before it sleeps.
  std::chrono::microseconds look_for{0};
  size_t buffer_bytes = 0;  // for the largest request
  // How a thread comes about; for tests. Throws std::system_error when there is none to be had.
  std::function<std::thread(std::function<void()>)> start_thread{};
};

// What the loop does with what it has read.
struct LoopWork {
  // Serves a request to its answer. The bytes are the caller's until it returns.
  std::function<void(std::span<char>)> serve;
  // Whether serving it may take long.
  std::function<bool(std::span<const char>)> may_take_long;
  // Whether its caller may have sent others that are still waiting.
  std::function<bool(std::span<const char>)> one_of_many;
  // The thread that asks, 0 if unknown.
  std::function<pid_t(std::span<const char>)> caller;
};

class RequestLoop {
 public:
  // `device` is read without blocking: O_NONBLOCK is set on it.
  RequestLoop(BorrowedFd device, LoopConfig config, LoopWork work);
  ~RequestLoop();
  RequestLoop(const RequestLoop&) = delete;
  RequestLoop& operator=(const RequestLoop&) = delete;

  // Serves until the mount ends or Stop is called; then every thread has ended.
  Status Run();
  void Stop();

 private:
  class Buffer;

  std::thread StartThread(std::function<void()> body) const;
  bool AddWorker();  // with mutex_ held
  void Work(Buffer& buffer);
  void Lead(Buffer& buffer);
  // The number of bytes read; 0 when the loop ends.
  size_t Receive(Buffer& buffer);
  ssize_t Read(Buffer& buffer);
  void WaitInRead(bool wait);
  bool SleepUntilReadable();
  void End(int error);
  void WakeReader();
  void OfferLead();  // has_leader_ is false; with mutex_ held
  bool StillLeads(uint64_t turn);
  void Guard();
  void TakeFromStuckLeader(uint64_t turn);  // with mutex_ held

  const BorrowedFd device_;
  const LoopConfig config_;
  const LoopWork work_;
  CallerAffinity affinity_;
  UniqueFd stop_event_;

  bool waits_in_read_ = false;    // the device's mode; the leader's
  std::atomic<pid_t> reader_{0};  // the thread in a read that waits

  // Odd while the leader serves a request, one more for each step. Whoever changes an odd value, the leader
  // when it is done or the guard, decides whether it still leads.
  std::atomic<uint64_t> turn_{0};
  std::atomic<bool> guard_sleeps_{false};
  std::atomic<bool> ended_{false};
  bool guarded_ = false;  // set before any request is read

  std::mutex mutex_;
  std::condition_variable lead_free_, guard_wanted_;
  bool has_leader_ = false;           // by mutex_
  bool lead_refused_ = false;         // there was no thread to take it; by mutex_
  unsigned parked_ = 0;               // by mutex_
  int error_ = 0;                     // by mutex_
  std::vector<std::thread> threads_;  // by mutex_
};

}  // namespace blendfs::fuse
