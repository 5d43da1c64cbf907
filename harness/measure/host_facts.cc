// SPDX-License-Identifier: MIT
#include "harness/measure/host_facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "harness/base/files.h"
#include "harness/base/text.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

// The text after "key<blanks>:" or "key:" on the first line of `path` that begins with `key`.
std::optional<std::string> Field(const fs::path& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return std::nullopt;
}

std::optional<long> MemoryMib(const fs::path& root, const std::string& key) {
  const std::optional<std::string> text = Field(root / "proc/meminfo", key);
  if (!text) return std::nullopt;
  long kib = 0;
  if (!(std::istringstream(*text) >> kib)) return std::nullopt;
  return kib / 1024;
}

// "some avg10=1.25 avg60=..." -> 1.25
std::optional<double> Pressure(const fs::path& path) {
  const std::optional<std::string> line = FirstLine(path);
  if (!line) return std::nullopt;
  const size_t at = line->find("avg10=");
  double value = 0;
  if (at == std::string::npos || !(std::istringstream(line->substr(at + 6)) >> value))
    return std::nullopt;
  return value;
}

}  // namespace

nlohmann::json HostFacts(const fs::path& root) {
  nlohmann::json facts = nlohmann::json::object();
  utsname name{};
  if (::uname(&name) == 0) facts["kernel"] = name.release;
  if (const auto cpu = Field(root / "proc/cpuinfo", "model name")) facts["cpu"] = *cpu;
  facts["cores"] = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (const auto memory_mib = MemoryMib(root, "MemTotal")) facts["memory_mib"] = *memory_mib;
  const fs::path sys = root / "sys";
  const std::pair<const char*, fs::path> settings[] = {
      {"governor", sys / "devices/system/cpu/cpu0/cpufreq/scaling_governor"},
      {"no_turbo", sys / "devices/system/cpu/intel_pstate/no_turbo"},
      {"boost", sys / "devices/system/cpu/cpufreq/boost"},
      {"ksm", sys / "kernel/mm/ksm/run"},
      {"halt_poll_ns", sys / "module/haltpoll/parameters/guest_halt_poll_ns"},
      {"hypervisor", sys / "hypervisor/type"}};
  for (const auto& [key, path] : settings)
    if (const auto value = FirstLine(path)) facts[key] = *value;
  return facts;
}

nlohmann::json HostState(const fs::path& root) {
  nlohmann::json state = nlohmann::json::object();
  if (const auto line = FirstLine(root / "proc/loadavg")) {
    double load = 0;
    if (std::istringstream(*line) >> load) state["load1"] = load;
  }
  if (const auto memory_mib = MemoryMib(root, "MemAvailable"))
    state["memory_available_mib"] = *memory_mib;
  for (const char* kind : {"cpu", "io", "memory"})
    if (const auto value = Pressure(root / "proc/pressure" / kind))
      state["pressure"][kind] = *value;
  if (const auto line = FirstLine(root / "proc/stat")) {
    // cpu user nice system idle iowait irq softirq steal
    std::istringstream words(*line);
    std::string label;
    long user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
    if (words >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal) {
      state["busy_ticks"] = user + nice + system + irq + softirq;
      state["steal_ticks"] = steal;
    }
  }
  return state;
}

std::string MachineFingerprint(const fs::path& root) {
  constexpr size_t kCharacters = 16;
  utsname name{};
  std::string known = "blendbench machine";
  if (::uname(&name) == 0) known += std::string("\n") + name.nodename;
  known += "\n" + FirstLine(root / "etc/machine-id").value_or("");
  known += "\n" + Field(root / "proc/cpuinfo", "model name").value_or("");
  known += "\n" + std::to_string(::sysconf(_SC_NPROCESSORS_CONF));
  return Sha256Hex(known).substr(0, kCharacters);
}

}  // namespace blendbench
