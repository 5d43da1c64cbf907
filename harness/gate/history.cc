// SPDX-License-Identifier: MIT
#include "harness/gate/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "harness/stats/rates.h"

namespace blendbench {
namespace {

constexpr int kMostPermutations = 20'000;

std::string Machine(const TrackedRun& run) {
  std::string text = run.substrate.empty() ? "unknown substrate" : run.substrate;
  if (!run.host.is_object()) return text;
  const auto cpu = run.host.find("cpu");
  if (cpu != run.host.end() && cpu->is_string()) text += ", " + cpu->get<std::string>();
  const auto cores = run.host.find("cores");
  if (cores != run.host.end() && cores->is_number_integer())
    text += fmt::format(", {} cores", cores->get<int64_t>());
  return text;
}

void AddPoint(const TrackedRun& run, Series& series) {
  const std::vector<double> logs = LogsByBlock(run, series.arm, series.metric, series.relative);
  if (logs.empty()) return;
  HistoryPoint point;
  point.run = run.id;
  point.created = run.created;
  point.commit = run.commit;
  point.log = stats::Mean(logs);
  const double sign = series.relative || series.metric.lower_is_better ? 1 : -1;
  point.value = std::exp(sign * point.log);
  point.blocks = static_cast<int>(logs.size());
  series.points.push_back(std::move(point));
}

std::vector<Series> Gather(const std::vector<TrackedRun>& runs, const HistoryOptions& options) {
  std::vector<Series> all;
  std::map<std::tuple<std::string, std::string, std::string, std::string, bool>, size_t> known;
  for (const TrackedRun& run : runs) {
    const Experiment& experiment = run.experiment;
    for (const Arm& arm : experiment.arms) {
      if (!MatchesAny(options.arms, arm.id)) continue;
      const bool relative = IsRelative(options.scale, experiment, arm.id);
      // Over itself the reference is always 1; its own times are shown, as the machine's.
      for (const Metric& metric : MetricsOf(experiment)) {
        if (metric.family == "setup" || !MatchesAny(options.metrics, metric.id)) continue;
        const auto key =
            std::make_tuple(experiment.name, Machine(run), arm.id, metric.id, relative);
        const auto [place, fresh] = known.emplace(key, all.size());
        if (fresh) {
          Series series;
          series.experiment = experiment.name;
          series.machine = Machine(run);
          series.arm = arm.id;
          series.metric = metric;
          series.relative = relative;
          all.push_back(std::move(series));
        }
        AddPoint(run, all[place->second]);
      }
    }
  }
  return all;
}

stats::Changes Search(Series& series, const stats::ChangeOptions& options) {
  std::vector<double> logs;
  for (const HistoryPoint& point : series.points) logs.push_back(point.log);
  stats::Changes changes = stats::FindChanges(logs, options);
  for (const size_t spike : changes.spikes) {
    series.points[spike].spike = true;
    series.points[spike].pending = spike + 2 >= series.points.size();
  }
  return changes;
}

}  // namespace

std::vector<Series> MakeHistory(std::vector<TrackedRun> runs, const HistoryOptions& options) {
  std::stable_sort(runs.begin(), runs.end(), [](const TrackedRun& a, const TrackedRun& b) {
    return std::tie(a.created, a.id) < std::tie(b.created, b.id);
  });
  std::vector<Series> all = Gather(runs, options);
  const auto needed = static_cast<size_t>(2 * options.least_runs);
  const auto tests = static_cast<double>(
      std::count_if(all.begin(), all.end(), [&](Series& s) { return s.points.size() >= needed; }));
  stats::ChangeOptions search;
  search.alpha = options.alpha;
  search.least = options.least_runs;
  search.seed = options.seed;
  // Holm asks the smallest p of m series to be below alpha / m, and a permutation test knows no p
  // below 1 / (permutations + 1).
  search.permutations = std::clamp(static_cast<int>(std::ceil(2 * tests / options.alpha)),
                                   options.permutations, kMostPermutations);
  std::vector<double> p_values;
  std::vector<stats::Changes> found;
  for (Series& series : all) {
    series.enough = series.points.size() >= needed;
    found.push_back(Search(series, search));
    p_values.push_back(series.enough ? found.back().first_p : std::nan(""));
  }
  const std::vector<double> adjusted = stats::Holm(p_values);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].p_holm = adjusted[i];
    if (!(adjusted[i] <= options.alpha)) continue;
    for (const stats::ChangePoint& point : found[i].points) {
      const double change = point.after - point.before;
      if (std::abs(change) < std::log1p(options.least_change)) continue;
      all[i].changes.push_back({point.index, change, point.p});
    }
  }
  return all;
}

bool WorseNow(const Series& series) {
  return !series.changes.empty() && series.changes.back().change > 0;
}

}  // namespace blendbench
