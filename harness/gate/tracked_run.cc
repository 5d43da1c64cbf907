// SPDX-License-Identifier: MIT
#include "harness/gate/tracked_run.h"

#include <algorithm>
#include <map>

#include "harness/base/text.h"
#include "harness/stats/paired.h"

namespace blendbench {
namespace {

std::map<int, double> Values(const TrackedRun& run, const std::string& arm,
                             const std::string& metric) {
  std::map<int, double> values;
  for (const Sample& sample : run.samples) {
    const auto found = sample.metrics.find(metric);
    if (sample.arm == arm && found != sample.metrics.end())
      values.emplace(sample.block, found->second);
  }
  return values;
}

}  // namespace

std::string ReferenceArm(const Experiment& experiment) {
  const Arm* reference = ReferenceOf(experiment);
  return reference ? reference->id : "";
}

bool IsRelative(Scale scale, const Experiment& experiment, const std::string& arm) {
  if (scale == Scale::kAbsolute) return false;
  const std::string reference = ReferenceArm(experiment);
  if (reference.empty() || reference == arm) return false;
  return scale == Scale::kRelative || experiment.arms.size() > 1;
}

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& text) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return GlobMatch(pattern, text); });
}

std::vector<double> LogsByBlock(const TrackedRun& run, const std::string& arm, const Metric& metric,
                                bool relative) {
  std::vector<double> logs;
  const std::map<int, double> reference =
      relative ? Values(run, ReferenceArm(run.experiment), metric.id) : std::map<int, double>();
  for (const auto& [block, value] : Values(run, arm, metric.id)) {
    const auto partner = reference.find(block);
    if (relative && partner == reference.end()) continue;
    if (const auto log =
            stats::LogRatio(value, relative ? partner->second : 1.0, metric.lower_is_better))
      logs.push_back(*log);
  }
  return logs;
}

}  // namespace blendbench
