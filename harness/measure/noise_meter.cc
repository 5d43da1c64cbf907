// SPDX-License-Identifier: MIT
#include "harness/measure/noise_meter.h"

#include <fstream>
#include <sstream>
#include <string>

#include "harness/measure/host_facts.h"

namespace blendbench {

std::optional<CpuTicks> ReadCpuTicks(const std::filesystem::path& root) {
  std::ifstream file(root / "proc/stat");
  std::string label;
  int64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (!(file >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal) ||
      label != "cpu")
    return std::nullopt;
  return CpuTicks{user + nice + system + irq + softirq, idle + iowait, steal};
}

double BusyShare(const CpuTicks& from, const CpuTicks& to) {
  const auto busy = static_cast<double>(to.busy - from.busy);
  const auto all = busy + static_cast<double>(to.idle - from.idle + to.steal - from.steal);
  return all > 0 ? busy / all : 0;
}

double StealShare(const CpuTicks& from, const CpuTicks& to) {
  const auto stolen = static_cast<double>(to.steal - from.steal);
  const auto wanted = stolen + static_cast<double>(to.busy - from.busy);
  return wanted > 0 ? stolen / wanted : 0;
}

void NoiseMeter::Before(double quiet_s, const Interrupt* interrupt) {
  const std::optional<CpuTicks> from = ReadCpuTicks(root_);
  EventLoop(interrupt).RunUntil([] { return false; }, Deadline::After(quiet_s));
  began_ = ReadCpuTicks(root_);
  foreign_.reset();
  if (from && began_) foreign_ = BusyShare(*from, *began_);
}

nlohmann::json NoiseMeter::After() const {
  nlohmann::json noise = nlohmann::json::object();
  if (foreign_) noise["foreign"] = *foreign_;
  const std::optional<CpuTicks> now = ReadCpuTicks(root_);
  if (began_ && now) noise["steal"] = StealShare(*began_, *now);
  const nlohmann::json state = HostState(root_);
  for (const char* name : {"load1", "pressure"})
    if (state.contains(name)) noise[name] = state[name];
  return noise;
}

}  // namespace blendbench
