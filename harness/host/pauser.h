// SPDX-License-Identifier: MIT
// Makes processes slower by a known amount: for as long as the object lives, they stand still for a share of
// the time that they run, in turns of a few milliseconds, whatever they do. What they had asked a disk for goes
// on meanwhile, so it is their processor time that the share applies to in full.
// Thread-safety: the object is used by one thread, and works in another of its own, which calls `send`.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace blendbench {

class Pauser {
 public:
  // `send` passes SIGSTOP or SIGCONT on to the processes. A share of 0 does nothing at all.
  Pauser(double share, std::function<void(int signal)> send);
  // They run when it returns.
  ~Pauser();
  Pauser(const Pauser&) = delete;
  Pauser& operator=(const Pauser&) = delete;

  double paused_s() const { return static_cast<double>(paused_ns_.load()) / 1e9; }
  double running_s() const { return static_cast<double>(running_ns_.load()) / 1e9; }

 private:
  void Work();

  const double share_;
  const std::function<void(int signal)> send_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> paused_ns_{0};
  std::atomic<int64_t> running_ns_{0};
  std::thread thread_;
};

// Every process of the caller's process namespace but the caller, its first: for use inside RunIsolated alone.
void SignalAllInside(int signal);

}  // namespace blendbench
