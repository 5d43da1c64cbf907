// SPDX-License-Identifier: MIT
// compare and gate: a run held against a baseline.
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/base/files.h"
#include "harness/cli/places.h"
#include "harness/cli/tracking.h"
#include "harness/export/regression_text.h"
#include "harness/export/tracked.h"
#include "harness/store/baselines.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

struct Side {
  std::string name;
  std::vector<TrackedRun> runs;
  std::vector<Warning> warnings;
};

void Take(const RunFolder& run, Side& side) {
  side.warnings.insert(side.warnings.end(), run.warnings().begin(), run.warnings().end());
  side.runs.push_back(TrackedFrom(RecordOf(run)));
}

// A baseline goes before a run of the same name: `latest` is never one.
Result<Side> OpenSide(const std::string& name, const CompareOptions& options) {
  Side side{name, {}, {}};
  if (HasBaseline(options.baselines_dir, name)) {
    auto baseline = OpenBaseline(options.baselines_dir, name);
    if (!baseline) return tl::unexpected(baseline.error());
    for (const RunFolder& run : baseline->runs) Take(run, side);
    return side;
  }
  auto dir = FindRun(name, options.runs_dir);
  if (!dir) {
    return Fail(dir.error().code, fmt::format("{}; and there is no baseline of this name in {}",
                                              dir.error().message, options.baselines_dir));
  }
  auto run = RunFolder::OpenForReading(*dir);
  if (!run) return tl::unexpected(run.error());
  Take(*run, side);
  side.name = run->id();
  return side;
}

ExitCode CodeOf(GateVerdict verdict) {
  if (verdict == GateVerdict::kPassed) return ExitCode::kOk;
  return verdict == GateVerdict::kRegressed ? ExitCode::kGateFailed : ExitCode::kCannotTell;
}

Result<void> Append(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::app);
  out << text << '\n';
  out.close();
  if (out) return {};
  return Fail(ExitCode::kEnvironment,
              fmt::format("cannot write {}; name a file that may be written to", file.string()));
}

}  // namespace

int CompareCommand(const CompareOptions& options, Io& io) {
  auto baseline = OpenSide(options.baseline, options);
  if (!baseline) return Complain(io, baseline.error());
  auto candidate = OpenSide(options.candidate, options);
  if (!candidate) return Complain(io, candidate.error());
  if (candidate->runs.size() != 1)
    return Complain(io, {ExitCode::kUsage, fmt::format("{} holds {} runs; name the one to compare",
                                                       options.candidate, candidate->runs.size())});
  Compared compared;
  compared.baseline = baseline->name;
  for (const TrackedRun& run : baseline->runs) compared.runs.push_back(run.id);
  compared.candidate = candidate->runs.front().id;
  compared.options = options.gate;
  compared.result = CompareRuns(baseline->runs, candidate->runs.front(), options.gate);
  if (!options.markdown.empty()) {
    if (auto written = Append(options.markdown, CompareMarkdown(compared)); !written)
      return Complain(io, written.error());
  }
  std::vector<Warning> warnings = std::move(baseline->warnings);
  warnings.insert(warnings.end(), candidate->warnings.begin(), candidate->warnings.end());
  const ExitCode code = options.as_gate ? CodeOf(compared.result.verdict) : ExitCode::kOk;
  if (!options.json) {
    Warn(io, warnings);
    Print(io, CompareText(compared, options.all));
    return Status(code);
  }
  nlohmann::json answer = Answer(options.as_gate ? "gate" : "compare", warnings);
  answer.update(CompareJson(compared));
  return Give(io, answer, code);
}

}  // namespace blendbench
