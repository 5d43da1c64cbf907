// SPDX-License-Identifier: MIT
// The host's CLOCK_MONOTONIC, which every time in a sample is taken from, and deadlines on it.
// Thread-safety: values.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace blendbench {

inline int64_t MonotonicNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

inline double SecondsBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e9;
}

// A moment after which a wait gives up. Every wait of the harness has one.
class Deadline {
 public:
  static Deadline After(double seconds) {
    const double bounded_s = std::clamp(seconds, 0.0, 1e6);
    return Deadline(MonotonicNs() + static_cast<int64_t>(bounded_s * 1e9));
  }
  // The earlier of this one and `seconds` from now: a step within a longer wait.
  Deadline Within(double seconds) const { return Deadline(std::min(ns_, After(seconds).ns_)); }
  bool passed() const { return MonotonicNs() >= ns_; }
  double remaining_s() const { return std::max(0.0, SecondsBetween(MonotonicNs(), ns_)); }
  // For poll(2): rounded up, so that a wait never spins on the last fraction of a millisecond.
  int remaining_ms() const {
    const int64_t left_ns = std::max<int64_t>(0, ns_ - MonotonicNs());
    return static_cast<int>(
        std::min<int64_t>((left_ns + 999'999) / 1'000'000, std::numeric_limits<int>::max()));
  }

 private:
  explicit Deadline(int64_t ns) : ns_(ns) {}
  int64_t ns_;
};

}  // namespace blendbench
