// SPDX-License-Identifier: MIT
// CheckNoise: what on this machine makes measurements scatter.
#include <fmt/format.h>

#include "harness/base/files.h"
#include "harness/measure/noise_meter.h"
#include "harness/measure/tuning.h"
#include "harness/run/machine_check.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kWatchS = 0.5;
constexpr double kPoorSteal = 0.01;
constexpr double kPoorForeign = 0.10;
constexpr const char* kTune = "`blendbench run --tune` sets it for the time of a run";

Finding LookAtGovernor(const fs::path& root) {
  const auto governor = FirstLine(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (!governor)
    return {"governor", Health::kGood,
            "the machine does not let its clock be governed (a guest itself?)", ""};
  if (*governor == "performance") return {"governor", Health::kGood, *governor, ""};
  return {"governor", Health::kPoor,
          *governor + ": the clock follows the load, short work runs slow", kTune};
}

Finding LookAtTurbo(const fs::path& root) {
  const auto no_turbo = FirstLine(root / "sys/devices/system/cpu/intel_pstate/no_turbo");
  const auto boost = FirstLine(root / "sys/devices/system/cpu/cpufreq/boost");
  if (!no_turbo && !boost) return {"turbo", Health::kGood, "no switch for it here", ""};
  const bool off = no_turbo ? *no_turbo == "1" : *boost == "0";
  if (off) return {"turbo", Health::kGood, "off", ""};
  return {"turbo", Health::kPoor, "on: the clock hangs on temperature and on the other processors",
          kTune};
}

Finding LookAtAslr(const fs::path& root) {
  const auto value = FirstLine(root / "proc/sys/kernel/randomize_va_space");
  if (!value) return {"ASLR", Health::kGood, "no switch for it here", ""};
  if (*value == "0") return {"ASLR", Health::kGood, "off", ""};
  return {"ASLR", Health::kPoor,
          "on: every start has other addresses and other collisions in caches",
          std::string(kTune) + "; blocks average it out as well"};
}

Finding LookAtKsm(const fs::path& root) {
  const auto value = FirstLine(root / "sys/kernel/mm/ksm/run");
  if (!value || *value != "1") return {"KSM", Health::kGood, "off", ""};
  return {"KSM", Health::kPoor, "on: guests' memory is scanned and merged at any moment", kTune};
}

Finding LookAtHaltPolling(const fs::path& root) {
  const auto driver = FirstLine(root / "sys/devices/system/cpu/cpuidle/current_driver");
  const auto value = FirstLine(root / "sys/module/haltpoll/parameters/guest_halt_poll_ns");
  if (!value || !driver || *driver != "haltpoll")
    return {"halt polling", Health::kGood, "not this machine's way to idle", ""};
  if (*value != "0") return {"halt polling", Health::kGood, *value + " ns", ""};
  return {"halt polling", Health::kPoor,
          "off: an idle processor of this virtual machine halts at once and takes 20 us and more "
          "to wake, which "
          "file systems in user space pay for each request",
          kTune};
}

Finding LookAtClock(const fs::path& root) {
  const auto source =
      FirstLine(root / "sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (!source) return {"clock", Health::kGood, "unknown source", ""};
  if (*source == "tsc" || *source == "kvm-clock" || *source == "hyperv_clocksource_tsc_page")
    return {"clock", Health::kGood, *source, ""};
  return {"clock", Health::kPoor,
          *source + ": reading the time takes a system call and microseconds",
          "see why the kernel distrusts the TSC (dmesg | grep -i tsc)"};
}

std::vector<Finding> WatchProcessors(const fs::path& root) {
  const auto from = ReadCpuTicks(root);
  EventLoop(nullptr).RunUntil([] { return false; }, Deadline::After(kWatchS));
  const auto to = ReadCpuTicks(root);
  if (!from || !to)
    return {{"others' load", Health::kPoor, "/proc/stat cannot be read", "mount /proc"}};
  const double steal = StealShare(*from, *to), foreign = BusyShare(*from, *to);
  Finding stolen{"steal", Health::kGood,
                 fmt::format("{:.1f} % now, {} ticks since the start", steal * 100, to->steal), ""};
  if (steal > kPoorSteal) {
    stolen.health = Health::kPoor;
    stolen.remedy =
        "other guests of this host's host take its processors: use a dedicated machine; runs "
        "record it per "
        "step and discard blocks by the plan's [noise] rule";
  }
  Finding others{
      "others' load", Health::kGood,
      fmt::format("{:.0f} % of all processors while blendbench only watched", foreign * 100), ""};
  if (foreign > kPoorForeign) {
    others.health = Health::kPoor;
    others.remedy =
        "end what else runs here (top shows it); runs record it and discard blocks by rule";
  }
  return {stolen, others};
}

Finding LookForLeftovers() {
  std::error_code ignored;
  if (!fs::exists(TuningRecord(), ignored))
    return {"tuning", Health::kGood, "nothing is tuned at the moment", ""};
  return {"tuning", Health::kPoor,
          TuningRecord().string() + " is there: a run tunes right now, or was killed",
          "if none runs: blendbench doctor --restore"};
}

}  // namespace

std::vector<Finding> CheckNoise(const MachineCheck& check) {
  const fs::path& root = check.root;
  std::vector<Finding> findings = {LookAtGovernor(root),    LookAtTurbo(root),
                                   LookAtAslr(root),        LookAtKsm(root),
                                   LookAtHaltPolling(root), LookAtClock(root)};
  for (Finding& finding : WatchProcessors(root)) findings.push_back(std::move(finding));
  findings.push_back(LookForLeftovers());
  return findings;
}

}  // namespace blendbench
