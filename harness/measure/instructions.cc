// SPDX-License-Identifier: MIT
#include "harness/measure/instructions.h"

#include <optional>
#include <sstream>

#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr char kRead[] = "grep -E 'now at|_sleeptime' /proc/timer_list";
constexpr char kOutput[] = "/run/blendbench-load.out";
constexpr char kEnd = 'W';
constexpr double kPerMillion = 1e6;

struct Reading {
  int64_t now_ns = 0, idle_ns = 0;
};

}  // namespace

Outcome<std::vector<int64_t>> ParseReadings(std::string_view timer_lists) {
  std::vector<Reading> readings;
  std::istringstream text{std::string(timer_lists)};
  for (std::string line; std::getline(text, line);) {
    const size_t digits = line.find_first_of("0123456789");
    if (digits == std::string::npos) continue;
    int64_t value = 0;
    if (!(std::istringstream(line.substr(digits)) >> value) || value < 0)
      return Unexpected("/proc/timer_list holds a number that cannot be");
    if (line.rfind("now at", 0) == 0) {
      readings.push_back({value, 0});
    } else if (line.find("_sleeptime") != std::string::npos && !readings.empty()) {
      readings.back().idle_ns += value;
    }
  }
  if (readings.empty()) return Unexpected("/proc/timer_list does not say what time it is");
  std::vector<int64_t> worked;
  for (const Reading& reading : readings) {
    if (reading.idle_ns > reading.now_ns)
      return Unexpected("the guest says it idled since before its start");
    worked.push_back(reading.now_ns - reading.idle_ns);
  }
  return worked;
}

Outcome<double> InstructionsSoFar(Guest& guest, Deadline deadline) {
  const Outcome<std::string> text = guest.agent().RunScript(kRead, deadline);
  if (!text) return Unexpected(text.error());
  const auto readings = ParseReadings(*text);
  if (!readings) return Unexpected(readings.error());
  return static_cast<double>(readings->front()) / kPerMillion;
}

Outcome<double> CountLoad(Guest& guest, const GuestLoad& load, Deadline deadline) {
  const std::string script = std::string("exec >") + kOutput + "; mkdir -p /var/lib/blendbench; " +
                             "cd /var/lib/blendbench; work() { " + load.script + "; }; work; " +
                             kRead + "; work; " + kRead + "; exec >&-; /usr/lib/blend/mark " + kEnd;
  const size_t before = guest.markers().Count(kEnd);
  const nlohmann::json arguments{{"path", "/bin/sh"}, {"arg", {"-c", script}}};
  if (Outcome<nlohmann::json> started = guest.agent().Execute("guest-exec", arguments, deadline);
      !started)
    return Unexpected(started.error());
  if (Outcome<void> ended = guest.AwaitMarker(kEnd, before + 1, deadline); !ended)
    return Unexpected(ended.error());
  const Outcome<std::string> text =
      guest.agent().RunScript(std::string("cat ") + kOutput, deadline);
  if (!text) return Unexpected(text.error());
  const auto readings = ParseReadings(*text);
  if (!readings) return Unexpected(readings.error());
  if (readings->size() != 2 || (*readings)[1] <= (*readings)[0])
    return Unexpected("the load was not counted twice");
  return static_cast<double>((*readings)[1] - (*readings)[0]) / kPerMillion;
}

}  // namespace blendbench
