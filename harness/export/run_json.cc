// SPDX-License-Identifier: MIT
#include "harness/export/run_json.h"

#include <nlohmann/json.hpp>

#include "harness/export/json_parts.h"
#include "harness/export/summary.h"
#include "harness/spec/external.h"
#include "harness/spec/metrics.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr int kSchema = 1;

json RunJson(const RunRecord& record) {
  json object = RunFactsJson(record);
  object["experiment"] = record.plan.experiment.name;
  object["stamp"] = StampFor(record.environment.substrate);
  object["samples_planned"] = record.plan.steps.size();
  return object;
}

json ArmJson(const Arm& arm, const Experiment& experiment) {
  json object = ArmFactsJson(arm);
  if (IsExternal(experiment)) object["layout"] = nullptr;
  return object;
}

json SummaryJson(const Summary& summary) {
  return {{"arm", summary.arm},
          {"metric", summary.metric.id},
          {"n", summary.values.size()},
          {"geometric_mean", summary.mean},
          {"interval90",
           summary.low && summary.high ? json::array({*summary.low, *summary.high}) : json()},
          {"sd_log", NumberJson(summary.sd_log)}};
}

}  // namespace

json MakeRunJson(const RunRecord& record) {
  const Experiment& experiment = record.plan.experiment;
  json arms = json::array(), samples = json::array(), summaries = json::array();
  for (const Arm& arm : experiment.arms) arms.push_back(ArmJson(arm, experiment));
  for (const Sample& sample : record.samples) samples.push_back(SampleFactsJson(sample));
  for (const Summary& summary : Summarise(record)) summaries.push_back(SummaryJson(summary));
  return {{"schema", kSchema},
          {"kind", "blendbench-run"},
          {"run", RunJson(record)},
          {"arms", std::move(arms)},
          {"metrics", MetricsToJson(MetricsOf(experiment))},
          {"samples", std::move(samples)},
          {"summary", std::move(summaries)}};
}

}  // namespace blendbench
