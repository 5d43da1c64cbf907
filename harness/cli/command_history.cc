// SPDX-License-Identifier: MIT
// history: the stored runs in the order they were made.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "harness/cli/tracking.h"
#include "harness/export/history_json.h"
#include "harness/export/otava.h"
#include "harness/export/tracked.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

// A run that cannot be read is named and passed over: the others still have a history.
std::vector<RunRecord> ReadRuns(const HistoryCommandOptions& options,
                                std::vector<Warning>& warnings) {
  std::vector<RunRecord> records;
  for (const std::filesystem::path& dir : ListRuns(options.runs_dir)) {
    auto run = RunFolder::OpenForReading(dir);
    if (!run) {
      warnings.push_back(
          {WarningKind::kUnreadableRun, dir.string(), run.error().message, "this run is left out"});
      continue;
    }
    if (!options.experiment.empty() && run->plan().experiment.name != options.experiment) continue;
    warnings.insert(warnings.end(), run->warnings().begin(), run->warnings().end());
    if (!run->samples().empty()) records.push_back(RecordOf(*run));
  }
  std::stable_sort(records.begin(), records.end(), [](const RunRecord& a, const RunRecord& b) {
    return std::tie(a.environment.created, a.id) < std::tie(b.environment.created, b.id);
  });
  const auto last = static_cast<size_t>(options.last);
  if (last > 0 && records.size() > last)
    records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(last));
  return records;
}

}  // namespace

int HistoryCommand(const HistoryCommandOptions& options, Io& io) {
  if (options.as_gate && options.format.starts_with("otava"))
    return Complain(
        io, {ExitCode::kUsage,
             "--gate answers as text or JSON; leave it out with --format " + options.format});
  std::vector<Warning> warnings;
  const std::vector<RunRecord> records = ReadRuns(options, warnings);
  const bool as_json = options.format == "json";
  if (!as_json) Warn(io, warnings);
  if (records.empty())
    return Complain(io, {ExitCode::kUsage,
                         fmt::format("no run{} in {}; `blendbench list` names those there are",
                                     options.experiment.empty() ? "" : " of " + options.experiment,
                                     options.runs_dir)});
  if (options.format == "otava") return WriteOut(io, MakeOtava(records));
  if (options.format == "otava-config") return WriteOut(io, MakeOtavaConfig(records, options.file));
  std::vector<TrackedRun> runs;
  for (const RunRecord& record : records) runs.push_back(TrackedFrom(record));
  const std::vector<Series> series = MakeHistory(std::move(runs), options.history);
  const bool worse = std::any_of(series.begin(), series.end(), WorseNow);
  const ExitCode code = options.as_gate && worse ? ExitCode::kGateFailed : ExitCode::kOk;
  if (!as_json) {
    Print(io, HistoryText(series, options.history, options.all));
    return Status(code);
  }
  nlohmann::json answer = Answer("history", warnings);
  answer.update(HistoryJson(series, options.history));
  return Give(io, answer, code);
}

}  // namespace blendbench
