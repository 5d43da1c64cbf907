// SPDX-License-Identifier: MIT
#include "workloads/meta/measure.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "workloads/meta/system.h"

namespace blendload {
namespace {

double Now(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) return 0;
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

Meter::Meter(const std::vector<pid_t>& daemons) {
  for (const pid_t pid : daemons) {
    clockid_t clock;
    if (::clock_getcpuclockid(pid, &clock) != 0)
      Die("--daemons: no process " + std::to_string(pid));
    daemons_.push_back(clock);
  }
}

double Meter::DaemonSeconds() const {
  double sum = 0;
  for (const clockid_t clock : daemons_) sum += Now(clock);
  return sum;
}

void Meter::Once(const std::function<void()>& run) {
  const double daemon_from = DaemonSeconds();
  const double caller_from = Now(CLOCK_PROCESS_CPUTIME_ID);
  const double from = Now(CLOCK_MONOTONIC);
  run();
  seconds_.push_back(Now(CLOCK_MONOTONIC) - from);
  caller_cpu_s_ += Now(CLOCK_PROCESS_CPUTIME_ID) - caller_from;
  daemon_cpu_s_ += std::max(0.0, DaemonSeconds() - daemon_from);
}

void Meter::Repeat(int warm_ups, const std::function<void()>& run) {
  for (int i = 0; i < warm_ups; ++i) run();
  double measured_s = 0;
  while (measured_s < kEnough_s && static_cast<int>(seconds_.size()) < kMaxRounds) {
    Once(run);
    measured_s += seconds_.back();
  }
}

Result Meter::Finish(uint64_t count, uint64_t bytes) const {
  std::vector<double> sorted = seconds_;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  const double median =
      sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  const double rounds = static_cast<double>(sorted.size());
  return {median,
          caller_cpu_s_ / rounds,
          daemon_cpu_s_ / rounds,
          static_cast<int>(sorted.size()),
          count,
          bytes};
}

std::string ToJsonLine(const std::string& name, const Result& result) {
  return nlohmann::json{{"case", name},
                        {"seconds", result.seconds},
                        {"rounds", result.rounds},
                        {"count", result.count},
                        {"bytes", result.bytes},
                        {"caller_cpu_s", result.caller_cpu_s},
                        {"daemon_cpu_s", result.daemon_cpu_s}}
      .dump();
}

}  // namespace blendload
