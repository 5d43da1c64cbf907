// SPDX-License-Identifier: MIT
// The one place where the harness waits: a poll loop over descriptors whose handlers are passive,
// with a deadline on every wait and an early way out when the user interrupts or the guest is gone.
// Thread-safety: one thread; Interrupt::Raise alone may be called from a signal handler.
#pragma once

#include <poll.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include "harness/guest/clock.h"
#include "harness/guest/fd.h"

namespace blendbench {

// Remembers that the user asked to stop, and wakes a loop that waits.
class Interrupt {
 public:
  Interrupt();
  // SIGINT, SIGTERM and SIGHUP (unless ignored) raise this one from now on, until it goes. One object a process at a time.
  void CatchSignals();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void Raise(int signal_number);
  bool raised() const { return signal_.load() != 0; }
  int signal() const { return signal_.load(); }
  int fd() const { return event_.get(); }

 private:
  Fd event_;
  std::atomic<int> signal_{0};
  bool catching_ = false;
};

enum class Wait { kDone, kTimeout, kInterrupted, kAborted };

class EventLoop {
 public:
  using Handler = std::function<void(short revents)>;

  // `interrupt` may be null; otherwise it outlives the loop.
  explicit EventLoop(const Interrupt* interrupt) : interrupt_(interrupt) {}

  // The handler is called when poll(2) reports `events`, an error or a hang-up on `fd`, which stays
  // the caller's. Handlers may call Watch, SetEvents and Forget.
  void Watch(int fd, short events, Handler handler);
  void SetEvents(int fd, short events);
  void Forget(int fd);

  // A wait ends with kAborted once this holds, unless what it waits for has come as well.
  void set_abort(std::function<bool()> abort) { abort_ = std::move(abort); }

  // Serves the descriptors until `done` holds. `done` is asked before the first poll and after
  // each.
  Wait RunUntil(const std::function<bool()>& done, Deadline deadline);

 private:
  struct Watched {
    short events;
    std::shared_ptr<Handler> handler;  // shared: a handler may forget itself while it runs
  };
  void PollOnce(int timeout_ms);

  const Interrupt* interrupt_;
  std::map<int, Watched> watched_;
  std::function<bool()> abort_;
};

// "timed out", "interrupted" or "the guest has gone", for messages.
const char* WaitText(Wait wait);

}  // namespace blendbench
