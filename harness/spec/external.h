// SPDX-License-Identifier: MIT
// An experiment that somebody else's tool carried out (substrate "external"): its metrics cannot be
// derived from a spec, so the plan lists them. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace blendbench {

struct Metric {
  std::string id;
  std::string label;
  // "boot", "boot-phase", "fio-path", "fio-app", "program", "shutdown", "setup"; on the host "host-" and the
  // case's group, and "host-cpu"; "icount-boot", "icount-load"; "external".
  std::string family;
  std::string unit;  // "s", "MB/s"
  bool lower_is_better = true;
};

nlohmann::json MetricsToJson(const std::vector<Metric>& metrics);
// Throws std::exception of what is missing or of the wrong type.
std::vector<Metric> MetricsFromJson(const nlohmann::json& list);

}  // namespace blendbench
