// SPDX-License-Identifier: MIT
#include "unionfs/fuse/caller_affinity.h"

#include <sched.h>
#include <sys/resource.h>

#include <system_error>

namespace blendfs::fuse {
namespace {

// So many requests between two looks at where the caller runs.
constexpr int kLookAgain = 256;

// So long at most a request is waited for as if its caller were about to ask again.
constexpr std::chrono::milliseconds kLongRequest{1};

// Of nice(2); below it (SCHED_IDLE) the processor would count as idle.
constexpr int kLowestPriority = 19;

}  // namespace

CallerAffinity::CallerAffinity(std::chrono::nanoseconds patience)
    : patience_(patience), both_(patience.count() > 0 ? sys::BothProcessors() : std::nullopt) {
  if (!both_) return;
  try {
    companion_ = std::thread([this] { Accompany(); });
  } catch (const std::system_error&) {
    // Nobody joins a caller then.
  }
}

CallerAffinity::~CallerAffinity() {
  if (!companion_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wanted_.notify_one();
  companion_.join();
}

CallerAffinity::Clock::duration CallerAffinity::SinceLast() const {
  return Now() - Clock::duration(last_.load(std::memory_order_relaxed));
}

void CallerAffinity::Note(pid_t caller) {
  if (!companion_.joinable()) return;
  // 0: what it left to be sent later, as a release.
  const bool same = caller == 0 || caller == caller_;
  const Clock::duration now = Now();
  const Clock::duration before(last_.load(std::memory_order_relaxed));
  last_.store((now + kLongRequest).count(), std::memory_order_relaxed);
  row_ = same && now - before < patience_ ? row_ + 1 : 0;
  if (!same) caller_ = caller;
  if (!active()) {
    if (row_ >= kRow) Join(caller);
  } else if (server_.load(std::memory_order_relaxed) != sys::ThisThread()) {
    MoveHere(processor_);  // the lead is another's since
  } else if (++since_joined_ >= kLookAgain) {
    Join(caller);
  }
}

void CallerAffinity::Answered() {
  if (companion_.joinable()) last_.store(Now().count(), std::memory_order_relaxed);
}

void CallerAffinity::Free() const {
  if (both_) sys::StayOn(0, *both_);
}

void CallerAffinity::Join(pid_t caller) {
  const auto processor = sys::ProcessorOf(caller);
  if (!processor || !CPU_ISSET(*processor, &*both_)) return;
  since_joined_ = 0;
  MoveHere(*processor);
}

// The serving thread to the caller's processor; who served before may run where it likes again.
void CallerAffinity::MoveHere(int processor) {
  const pid_t self = sys::ThisThread();
  const std::lock_guard lock(mutex_);
  const pid_t before = server_.exchange(self);
  if (before != self && before != 0) sys::StayOn(before, *both_);
  if (before != self || processor_ != processor) sys::StayOn(self, sys::OneProcessor(processor));
  processor_ = processor;
  if (active()) return;
  active_ = true;
  wanted_.notify_one();
}

void CallerAffinity::Accompany() {
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(sys::ThisThread()), kLowestPriority);
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return active() || ended_; });
    if (ended_) break;
    cpu_set_t other = *both_;
    CPU_CLR(processor_, &other);
    sys::StayOn(0, other);
    lock.unlock();
    while (SinceLast() < patience_ && !ended_) sched_yield();
    lock.lock();
    if (SinceLast() < patience_ && !ended_) continue;
    active_ = false;
    sys::StayOn(server_.exchange(0), *both_);
  }
  if (server_ != 0) sys::StayOn(server_, *both_);
}

}  // namespace blendfs::fuse
