// SPDX-License-Identifier: MIT
// baseline adopt, list, show and remove.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/cli/places.h"
#include "harness/cli/tracking.h"
#include "harness/export/tracked.h"
#include "harness/gate/comparable.h"
#include "harness/store/baselines.h"

namespace blendbench {
namespace {

using nlohmann::json;

json Describe(const Baseline& baseline) {
  json runs = json::array();
  for (const RunFolder& run : baseline.runs) {
    const Environment& environment = run.environment();
    runs.push_back({{"id", run.id()},
                    {"experiment", run.plan().experiment.name},
                    {"created", environment.created},
                    {"commit", environment.git_commit},
                    {"substrate", environment.substrate},
                    {"host", environment.host},
                    {"blocks", run.plan().experiment.blocks},
                    {"samples", run.samples().size()},
                    {"failed", CountFailures(run.samples()).total}});
  }
  return {{"name", baseline.name},
          {"created", baseline.created},
          {"note", baseline.note},
          {"runs", std::move(runs)}};
}

// What every answer of these commands begins with.
json AnswerOf(const char* action, const std::vector<Warning>& warnings) {
  json answer = Answer("baseline", warnings);
  answer["action"] = action;
  return answer;
}

// Runs of several machines are no baseline of any.
Result<void> CheckOneMachine(const std::vector<RunFolder>& runs) {
  const TrackedRun first = TrackedFrom(RecordOf(runs.front()));
  for (const RunFolder& run : runs) {
    const Comparability told = Comparable({first}, TrackedFrom(RecordOf(run)));
    if (!told.obstacles.empty()) return Fail(ExitCode::kUsage, told.obstacles.front());
  }
  return {};
}

}  // namespace

int AdoptBaselineCommand(const BaselineOptions& options, Io& io) {
  std::vector<RunFolder> runs;
  std::vector<Warning> warnings;
  for (const std::string& name : options.runs) {
    auto dir = FindRun(name, options.runs_dir);
    if (!dir) return Complain(io, dir.error());
    auto run = RunFolder::OpenForReading(*dir);
    if (!run) return Complain(io, run.error());
    warnings.insert(warnings.end(), run->warnings().begin(), run->warnings().end());
    const int failed = CountFailures(run->samples()).total;
    if (failed > 0)
      warnings.push_back({WarningKind::kFailedSamples, run->id(),
                          fmt::format("{} of its samples failed", failed),
                          "they are no part of any comparison; a run without failures tells more"});
    runs.push_back(std::move(*run));
  }
  if (auto one = CheckOneMachine(runs); !one) return Complain(io, one.error());
  IfThere if_there = options.replace ? IfThere::kReplace : IfThere::kRefuse;
  if (options.append) if_there = IfThere::kAppend;
  auto adopted =
      AdoptBaseline(options.baselines_dir, options.name, runs, CleanText(options.note), if_there);
  if (!adopted) return Complain(io, adopted.error());
  const std::filesystem::path place = std::filesystem::path(options.baselines_dir) / options.name;
  if (!options.json) {
    Warn(io, warnings);
    Print(io, fmt::format("{}: commit this folder to keep it\n", place.string()));
    return Status(ExitCode::kOk);
  }
  json answer = AnswerOf("adopt", warnings);
  answer["name"] = options.name;
  answer["folder"] = place.string();
  return Give(io, answer);
}

int ListBaselinesCommand(const BaselineOptions& options, Io& io) {
  json list = json::array();
  std::string text;
  std::vector<Warning> warnings;
  for (const std::string& name : ListBaselines(options.baselines_dir)) {
    auto baseline = OpenBaseline(options.baselines_dir, name);
    if (!baseline) {  // one that is damaged must not hide the others
      warnings.push_back({WarningKind::kUnreadableBaseline, name, baseline.error().message,
                          "this baseline is left out"});
      continue;
    }
    list.push_back(Describe(*baseline));
    const RunFolder& first = baseline->runs.front();
    text += fmt::format(
        "{:<24} {} of {} on {}, {}{}\n", name,
        baseline->runs.size() == 1 ? "1 run" : fmt::format("{} runs", baseline->runs.size()),
        first.plan().experiment.name, first.environment().substrate, baseline->created,
        baseline->note.empty() ? "" : ": " + baseline->note);
  }
  if (!options.json) {
    Warn(io, warnings);
    Print(io, text);
    return Status(ExitCode::kOk);
  }
  json answer = AnswerOf("list", warnings);
  answer["baselines"] = std::move(list);
  return Give(io, answer);
}

int ShowBaselineCommand(const BaselineOptions& options, Io& io) {
  auto baseline = OpenBaseline(options.baselines_dir, options.name);
  if (!baseline) return Complain(io, baseline.error());
  const json told = Describe(*baseline);
  if (options.json) {
    json answer = AnswerOf("show", {});
    answer["baseline"] = told;
    return Give(io, answer);
  }
  std::string text = fmt::format("{}, adopted {}{}\n", baseline->name, baseline->created,
                                 baseline->note.empty() ? "" : ": " + baseline->note);
  for (const json& run : told["runs"]) {
    const auto commit = run["commit"].get<std::string>();
    text += fmt::format("  {}: {} on {}, {} blocks, {} samples, {} failed{}\n",
                        run["id"].get<std::string>(), run["experiment"].get<std::string>(),
                        run["substrate"].get<std::string>(), run["blocks"].get<int>(),
                        run["samples"].get<int>(), run["failed"].get<int>(),
                        commit.empty() ? "" : ", commit " + commit);
  }
  Print(io, text);
  return Status(ExitCode::kOk);
}

int RemoveBaselineCommand(const BaselineOptions& options, Io& io) {
  auto removed = RemoveBaseline(options.baselines_dir, options.name);
  if (!removed) return Complain(io, removed.error());
  if (!options.json) return Status(ExitCode::kOk);
  json answer = AnswerOf("remove", {});
  answer["name"] = options.name;
  return Give(io, answer);
}

}  // namespace blendbench
