// SPDX-License-Identifier: MIT
#include "harness/spec/plan_host.h"

#include <stdexcept>

#include "harness/spec/host_case.h"

namespace blendbench {

using nlohmann::json;

json HostToJson(const HostSettings& host) {
  return {{"cases", host.cases}, {"case_timeout_s", host.case_timeout_s}, {"boots", host.boots}};
}

HostSettings HostFromJson(const json& object) {
  HostSettings host;
  host.cases = object.at("cases").get<std::vector<std::string>>();
  for (const std::string& id : host.cases)
    if (!FindHostCase(id)) throw std::runtime_error("unknown case \"" + id + "\"");
  host.case_timeout_s = object.at("case_timeout_s");
  host.boots = object.at("boots");
  return host;
}

}  // namespace blendbench
