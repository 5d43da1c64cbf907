// SPDX-License-Identifier: MIT
// What disturbed a step, written down with its sample for the rules of spec/noise.h: a short look at the
// machine before the step, while nothing of the experiment runs, and what was stolen during it.
// Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/guest/event_loop.h"

namespace blendbench {

// Of all processors together, since they started.
struct CpuTicks {
  int64_t busy = 0;
  int64_t idle = 0;  // waiting for disks included
  int64_t steal = 0;
};
std::optional<CpuTicks> ReadCpuTicks(const std::filesystem::path& root = "/");

// Of the time between: busy over all; stolen over wanted. 0 when no time went by.
double BusyShare(const CpuTicks& from, const CpuTicks& to);
double StealShare(const CpuTicks& from, const CpuTicks& to);

class NoiseMeter {
 public:
  explicit NoiseMeter(std::filesystem::path root = "/") : root_(std::move(root)) {}

  // Watches the idle machine for `quiet_s`; an interrupt ends it at once.
  void Before(double quiet_s, const Interrupt* interrupt);
  // {"foreign", "steal": shares from 0 to 1, "load1", "pressure": {...}}; what cannot be read is left out.
  nlohmann::json After() const;

 private:
  std::filesystem::path root_;
  std::optional<double> foreign_;
  std::optional<CpuTicks> began_;
};

}  // namespace blendbench
