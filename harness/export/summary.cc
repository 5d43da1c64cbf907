// SPDX-License-Identifier: MIT
#include "harness/export/summary.h"

#include <cmath>

#include "harness/spec/metrics.h"
#include "harness/stats/paired.h"

namespace blendbench {
namespace {

Summary SummaryOf(const RunRecord& record, const std::string& arm, const Metric& metric) {
  Summary summary;
  summary.arm = arm;
  summary.metric = metric;
  std::vector<double> logs;
  for (const Sample& sample : record.samples) {
    const auto found = sample.metrics.find(metric.id);
    if (sample.arm != arm || found == sample.metrics.end() || !(found->second > 0)) continue;
    summary.blocks.push_back(sample.block);
    summary.values.push_back(found->second);
    logs.push_back(std::log(found->second));
  }
  summary.mean = std::exp(stats::Mean(logs));
  summary.sd_log = stats::StandardDeviation(logs);
  if (const auto interval = stats::StudentInterval(logs)) {
    summary.low = std::exp(interval->low);
    summary.high = std::exp(interval->high);
  }
  return summary;
}

}  // namespace

std::vector<Summary> Summarise(const RunRecord& record) {
  std::vector<Summary> summaries;
  for (const Arm& arm : record.plan.experiment.arms) {
    for (const Metric& metric : MetricsOf(record.plan.experiment)) {
      if (metric.family == "setup") continue;
      Summary summary = SummaryOf(record, arm.id, metric);
      if (!summary.values.empty()) summaries.push_back(std::move(summary));
    }
  }
  return summaries;
}

}  // namespace blendbench
