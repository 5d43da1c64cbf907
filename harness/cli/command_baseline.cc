// SPDX-License-Identifier: MIT
// baseline adopt, list, show and remove.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

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

std::string Text(const json& object) {
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
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
  for (const std::string& name : options.runs) {
    auto dir = FindRun(name, options.runs_dir);
    if (!dir) return Complain(io, dir.error());
    auto run = RunFolder::OpenForReading(*dir);
    if (!run) return Complain(io, run.error());
    for (const std::string& warning : run->warnings()) io.err << warning << '\n';
    runs.push_back(std::move(*run));
  }
  if (auto one = CheckOneMachine(runs); !one) return Complain(io, one.error());
  IfThere if_there = options.replace ? IfThere::kReplace : IfThere::kRefuse;
  if (options.append) if_there = IfThere::kAppend;
  auto adopted =
      AdoptBaseline(options.baselines_dir, options.name, runs, CleanText(options.note), if_there);
  if (!adopted) return Complain(io, adopted.error());
  for (const RunFolder& run : runs) {
    const int failed = CountFailures(run.samples()).total;
    if (failed > 0) io.err << fmt::format("{}: {} of its samples failed\n", run.id(), failed);
  }
  const std::filesystem::path place = std::filesystem::path(options.baselines_dir) / options.name;
  io.out << fmt::format("{}: commit this folder to keep it\n", place.string());
  return Status(ExitCode::kOk);
}

int ListBaselinesCommand(const BaselineOptions& options, Io& io) {
  json list = json::array();
  for (const std::string& name : ListBaselines(options.baselines_dir)) {
    auto baseline = OpenBaseline(options.baselines_dir, name);
    if (!baseline) {  // one that is damaged must not hide the others
      io.err << baseline.error().message << '\n';
      continue;
    }
    list.push_back(Describe(*baseline));
    if (options.json) continue;
    const RunFolder& first = baseline->runs.front();
    io.out << fmt::format(
        "{:<24} {} of {} on {}, {}{}\n", name,
        baseline->runs.size() == 1 ? "1 run" : fmt::format("{} runs", baseline->runs.size()),
        first.plan().experiment.name, first.environment().substrate, baseline->created,
        baseline->note.empty() ? "" : ": " + baseline->note);
  }
  if (options.json) io.out << Text(list);
  return Status(ExitCode::kOk);
}

int ShowBaselineCommand(const BaselineOptions& options, Io& io) {
  auto baseline = OpenBaseline(options.baselines_dir, options.name);
  if (!baseline) return Complain(io, baseline.error());
  const json told = Describe(*baseline);
  if (options.json) {
    io.out << Text(told);
    return Status(ExitCode::kOk);
  }
  io.out << fmt::format("{}, adopted {}{}\n", baseline->name, baseline->created,
                        baseline->note.empty() ? "" : ": " + baseline->note);
  for (const json& run : told["runs"]) {
    io.out << fmt::format(
        "  {}: {} on {}, {} blocks, {} samples, {} failed{}\n", run["id"].get<std::string>(),
        run["experiment"].get<std::string>(), run["substrate"].get<std::string>(),
        run["blocks"].get<int>(), run["samples"].get<int>(), run["failed"].get<int>(),
        run["commit"] == "" ? "" : ", commit " + run["commit"].get<std::string>());
  }
  return Status(ExitCode::kOk);
}

int RemoveBaselineCommand(const BaselineOptions& options, Io& io) {
  auto removed = RemoveBaseline(options.baselines_dir, options.name);
  return removed ? Status(ExitCode::kOk) : Complain(io, removed.error());
}

}  // namespace blendbench
