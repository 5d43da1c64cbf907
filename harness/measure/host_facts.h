// SPDX-License-Identifier: MIT
// The machine a sample was made on: what does not change (kernel, processor, memory) and what does
// (load, pressure, steal), read from /proc and /sys.
// Thread-safety: functions without state. What cannot be read is left out.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace blendbench {

// {"kernel", "cpu", "cores", "memory_mib", "governor", "turbo", "ksm", "halt_poll_ns", "hypervisor"}
nlohmann::json HostFacts(const std::filesystem::path& root = "/");

// {"load1", "memory_available_mib", "pressure": {"cpu", "io", "memory"}, "steal_ticks",
// "busy_ticks"}: pressure is the share of the last ten seconds in percent that some task waited.
nlohmann::json HostState(const std::filesystem::path& root = "/");

// Tells machines apart and says nothing of them: a digest of machine id, host name, processor and cores. The same
// after every boot, and the same for everything that runs on the machine.
std::string MachineFingerprint(const std::filesystem::path& root = "/");

}  // namespace blendbench
