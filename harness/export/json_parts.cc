// SPDX-License-Identifier: MIT
#include "harness/export/json_parts.h"

#include <cmath>

#include "harness/gate/machines.h"
#include "harness/spec/machines.h"

namespace blendbench {

using nlohmann::json;

json NumberJson(double value) { return std::isfinite(value) ? json(value) : json(); }

json RatioJson(double log_value) { return NumberJson(std::exp(log_value)); }

namespace {

// Who did which blocks; empty where one machine did all.
json MachinesJson(const RunRecord& record) {
  const std::vector<MachineShare> machines = MachinesOf(record.samples);
  json list = json::array();
  if (machines.size() < 2) return list;
  for (const MachineShare& share : machines) {
    json machine = share.facts;
    machine.update(
        {{"name", share.name}, {"machine", share.machine}, {"blocks", BlocksText(share.blocks)}});
    list.push_back(std::move(machine));
  }
  return list;
}

}  // namespace

json RunFactsJson(const RunRecord& record) {
  const Environment& environment = record.environment;
  const Experiment& experiment = record.plan.experiment;
  json facts = {{"id", record.id},
                {"description", experiment.description},
                {"created", environment.created},
                {"finished", environment.finished},
                {"substrate", environment.substrate},
                {"substrate_reason", environment.substrate_reason},
                {"seed", experiment.seed},
                {"spec_sha256", experiment.spec_sha256},
                {"plan_sha256", record.plan_sha256},
                {"claims_sha256", record.plan.claims_sha256},
                {"git_commit", environment.git_commit},
                {"git_dirty", environment.git_dirty},
                {"host", environment.host},
                {"images", environment.images},
                {"blocks_planned", experiment.blocks},
                {"blocks_done", BlocksDone(record)}};
  if (json machines = MachinesJson(record); !machines.empty())
    facts["machines"] = std::move(machines);
  return facts;
}

json ArmFactsJson(const Arm& arm) {
  json object = ToJson(arm);
  for (const char* name : {"handicap", "guest", "at"}) object.erase(name);
  return object;
}

json SampleFactsJson(const Sample& sample) {
  json object = ToJson(sample);
  for (const char* name : {"schema", "raw", "provenance"}) object.erase(name);
  return object;
}

}  // namespace blendbench
