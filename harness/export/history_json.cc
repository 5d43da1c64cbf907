// SPDX-License-Identifier: MIT
#include "harness/export/history_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/export/json_parts.h"

namespace blendbench {
namespace {

using nlohmann::json;

std::string Title(const Series& series) {
  return fmt::format("{} of {}{}, {} on {}", series.metric.id, series.arm,
                     series.relative ? " (relative)" : "", series.experiment, series.machine);
}

std::string WithCommit(const HistoryPoint& point) {
  return point.commit.empty()
             ? point.run
             : fmt::format("{} (commit {})", point.run, point.commit.substr(0, 12));
}

std::string Change(const Series& series, const HistoryChange& change) {
  // A throughput's sign was turned; people see the throughput itself, and ratios as they are.
  const bool turned = !series.metric.lower_is_better && !series.relative;
  const double percent = std::expm1(turned ? -change.change : change.change) * 100;
  return fmt::format("    {} by {:.1f} % from {} on; the run before: {}; p {:.2g}\n",
                     change.change > 0 ? "worse" : "better", std::abs(percent),
                     WithCommit(series.points[change.index]),
                     WithCommit(series.points[change.index - 1]), change.p);
}

std::string Spikes(const Series& series) {
  std::string text;
  for (const HistoryPoint& point : series.points) {
    if (!point.spike) continue;
    text += fmt::format("    {}: {}\n", point.run,
                        point.pending ? "stands out; the next runs tell whether it stays"
                                      : "a lone spike, left out");
  }
  return text;
}

std::string Brief(const Series& series) {
  if (!series.enough)
    return fmt::format("  {}: {} runs, too few for a change to be found\n", Title(series),
                       series.points.size());
  return fmt::format("  {}: {} runs, no change (p {:.2g} after Holm)\n{}", Title(series),
                     series.points.size(), series.p_holm, Spikes(series));
}

json PointJson(const HistoryPoint& point) {
  return {{"run", point.run},
          {"created", point.created},
          {"commit", point.commit},
          {"value", NumberJson(point.value)},
          {"log", NumberJson(point.log)},
          {"blocks", point.blocks},
          {"spike", point.spike},
          {"pending", point.pending}};
}

json SeriesJson(const Series& series) {
  json points = json::array(), changes = json::array();
  for (const HistoryPoint& point : series.points) points.push_back(PointJson(point));
  for (const HistoryChange& change : series.changes) {
    changes.push_back({{"index", change.index},
                       {"run", series.points[change.index].run},
                       {"run_before", series.points[change.index - 1].run},
                       {"ratio", RatioJson(change.change)},
                       {"worse", change.change > 0},
                       {"p", change.p}});
  }
  return {{"experiment", series.experiment},
          {"machine", series.machine},
          {"arm", series.arm},
          {"metric", series.metric.id},
          {"label", series.metric.label},
          {"family", series.metric.family},
          {"unit", series.relative ? "" : series.metric.unit},
          {"better", series.metric.lower_is_better || series.relative ? "lower" : "higher"},
          {"scale", series.relative ? "relative" : "absolute"},
          {"long_enough", series.enough},
          {"p_holm", NumberJson(series.p_holm)},
          {"worse_now", WorseNow(series)},
          {"points", std::move(points)},
          {"changes", std::move(changes)}};
}

}  // namespace

std::string HistoryText(const std::vector<Series>& series, const HistoryOptions& options,
                        bool all) {
  std::vector<const Series*> changed;
  std::string rest;
  int same = 0, few = 0;
  for (const Series& one : series) {
    if (!one.changes.empty()) {
      changed.push_back(&one);
      continue;
    }
    ++(one.enough ? same : few);
    if (all) rest += Brief(one);
  }
  std::stable_sort(changed.begin(), changed.end(), [](const Series* a, const Series* b) {
    return a->changes.back().change > b->changes.back().change;
  });
  std::string text;
  for (const Series* one : changed) {
    text += fmt::format("  {}: {} runs\n", Title(*one), one->points.size());
    for (const HistoryChange& change : one->changes) text += Change(*one, change);
    text += Spikes(*one);
  }
  text += rest;
  return text + fmt::format("{} series changed, {} did not, {} have fewer than {} runs\n",
                            changed.size(), same, few, 2 * options.least_runs);
}

json HistoryJson(const std::vector<Series>& series, const HistoryOptions& options) {
  json list = json::array();
  for (const Series& one : series) list.push_back(SeriesJson(one));
  return {{"schema", 1},
          {"kind", "blendbench-history"},
          {"options",
           {{"least_change", options.least_change},
            {"alpha", options.alpha},
            {"least_runs", options.least_runs},
            {"permutations", options.permutations},
            {"seed", options.seed}}},
          {"series", std::move(list)}};
}

}  // namespace blendbench
