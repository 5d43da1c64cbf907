// SPDX-License-Identifier: MIT
// What a run ran on, known once for the whole run; what may differ between samples is in
// Sample::provenance. Thread-safety: a value.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace blendbench {

struct Environment {
  std::string created;           // UTC, ISO 8601
  std::string finished;          // "" until the last step is done
  std::string substrate;         // "kvm", "tcg"
  std::string substrate_reason;  // why it was chosen, one line
  std::string git_commit;        // of the harness, "" when unknown
  bool git_dirty = false;
  nlohmann::json host =
      nlohmann::json::object();  // kernel, cpu, cores, memory_mib, qemu, load1_max, ...
  std::map<std::string, std::string> images;  // name in the manifest -> sha256 before the run
  // The same after the last step; {} until then. Shared images must not have changed.
  std::map<std::string, std::string> images_after;
  std::string images_dir;
};

nlohmann::json ToJson(const Environment& environment);
// Missing members keep their defaults; a member of the wrong type throws std::runtime_error.
Environment EnvironmentFromJson(const nlohmann::json& json);

}  // namespace blendbench
