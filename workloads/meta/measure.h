// SPDX-License-Identifier: MIT
// How a workload is timed: warm-up rounds, then rounds that count. The wall time of a case is the
// median round's; the processor time, of the caller and of the file system's daemons, is the mean of
// the rounds. Thread-safety: one thread.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace blendload {

// Rounds go on until this much was measured, so that a fast file system is not judged by a
// millisecond, but no further than kMaxRounds.
inline constexpr double kEnough_s = 0.5;
inline constexpr int kMaxRounds = 15;

struct Result {
  double seconds = 0;       // median round
  double caller_cpu_s = 0;  // mean round
  double daemon_cpu_s = 0;
  int rounds = 0;
  uint64_t count = 0;  // operations in a round
  uint64_t bytes = 0;  // moved in a round; 0 where that is not the point
};

class Meter {
 public:
  // `daemons` are the processes whose time counts as well; those that have ended count no more.
  explicit Meter(const std::vector<pid_t>& daemons);

  // Times `run` once.
  void Once(const std::function<void()>& run);
  // `warm_ups` rounds that do not count, then rounds until enough was measured.
  void Repeat(int warm_ups, const std::function<void()>& run);
  double last_s() const { return seconds_.back(); }
  // Medians and means of what was timed.
  Result Finish(uint64_t count, uint64_t bytes = 0) const;

 private:
  double DaemonSeconds() const;

  std::vector<clockid_t> daemons_;
  std::vector<double> seconds_;
  double caller_cpu_s_ = 0;
  double daemon_cpu_s_ = 0;
};

// {"case", "seconds", "rounds", "count", "bytes", "caller_cpu_s", "daemon_cpu_s"} on one line.
std::string ToJsonLine(const std::string& name, const Result& result);

}  // namespace blendload
