// SPDX-License-Identifier: MIT
#include "harness/export/run_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/export/summary.h"
#include "harness/spec/external.h"
#include "harness/spec/metrics.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr int kSchema = 1;

json RunJson(const RunRecord& record) {
  const Environment& environment = record.environment;
  const Experiment& experiment = record.plan.experiment;
  return {{"id", record.id},
          {"experiment", experiment.name},
          {"description", experiment.description},
          {"created", environment.created},
          {"finished", environment.finished},
          {"substrate", environment.substrate},
          {"substrate_reason", environment.substrate_reason},
          {"stamp", StampFor(environment.substrate)},
          {"seed", experiment.seed},
          {"spec_sha256", experiment.spec_sha256},
          {"plan_sha256", record.plan_sha256},
          {"claims_sha256", record.plan.claims_sha256},
          {"git_commit", environment.git_commit},
          {"git_dirty", environment.git_dirty},
          {"host", environment.host},
          {"images", environment.images},
          {"blocks_planned", experiment.blocks},
          {"blocks_done", BlocksDone(record)},
          {"samples_planned", record.plan.steps.size()}};
}

json ArmJson(const Arm& arm, const Experiment& experiment) {
  return {{"id", arm.id},
          {"label", arm.label},
          {"layout", IsExternal(experiment) ? json() : json(LayoutName(arm.layout))},
          {"engine", arm.engine},
          {"engine_options", arm.engine_options},
          {"reference", arm.reference},
          {"control", arm.control}};
}

json SampleJson(const Sample& sample) {
  json object = ToJson(sample);
  for (const char* name : {"schema", "raw", "provenance"}) object.erase(name);
  return object;
}

json SummaryJson(const Summary& summary) {
  return {{"arm", summary.arm},
          {"metric", summary.metric.id},
          {"n", summary.values.size()},
          {"geometric_mean", summary.mean},
          {"interval90",
           summary.low && summary.high ? json::array({*summary.low, *summary.high}) : json()},
          {"sd_log", std::isfinite(summary.sd_log) ? json(summary.sd_log) : json()}};
}

}  // namespace

json MakeRunJson(const RunRecord& record) {
  const Experiment& experiment = record.plan.experiment;
  json arms = json::array(), samples = json::array(), summaries = json::array();
  for (const Arm& arm : experiment.arms) arms.push_back(ArmJson(arm, experiment));
  for (const Sample& sample : record.samples) samples.push_back(SampleJson(sample));
  for (const Summary& summary : Summarise(record)) summaries.push_back(SummaryJson(summary));
  return {{"schema", kSchema},
          {"kind", "blendbench-run"},
          {"run", RunJson(record)},
          {"arms", std::move(arms)},
          {"metrics", ExternalToJson(MetricsOf(experiment))},
          {"samples", std::move(samples)},
          {"summary", std::move(summaries)}};
}

}  // namespace blendbench
