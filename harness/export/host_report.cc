// SPDX-License-Identifier: MIT
#include "harness/export/host_report.h"

#include "harness/export/host_table.h"
#include "harness/spec/host_case.h"

namespace blendbench {
namespace {

using nlohmann::json;

void AddReasons(const std::string& arm, const std::map<std::string, std::string>& reasons,
                json& list) {
  for (const auto& [host_case, reason] : reasons)
    list.push_back({{"arm", arm}, {"case", host_case}, {"reason", reason}});
}

}  // namespace

json HostReport(const RunRecord& record) {
  const Experiment& experiment = record.plan.experiment;
  if (!OnHost(experiment)) return json();
  json cases = json::array(), skipped = json::array(), failed = json::array();
  for (const std::string& id : experiment.host.cases) {
    const auto known = FindHostCase(id);
    if (!known) continue;
    cases.push_back({{"id", known->id},
                     {"label", known->label},
                     {"group", known->group},
                     {"layers", known->layers},
                     {"metric", HostMetricId(*known)},
                     {"cpu_metric", HostCpuMetricId(*known)}});
  }
  for (const Arm& arm : experiment.arms) {
    const CaseTold told = CasesTold(record, arm.id);
    AddReasons(arm.id, told.skipped, skipped);
    AddReasons(arm.id, told.failed, failed);
  }
  return {{"cases", cases}, {"skipped", skipped}, {"failed", failed}};
}

}  // namespace blendbench
