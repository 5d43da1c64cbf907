// SPDX-License-Identifier: MIT
// explain: a verdict, or one comparison, taken apart into the steps that led to it.
#include <fmt/format.h>

#include <algorithm>

#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/opened_run.h"
#include "harness/export/explanation.h"

namespace blendbench {
namespace {

using nlohmann::json;

Result<const ClaimVerdict*> FindClaim(const OpenedRun& run, const std::string& id) {
  std::vector<std::string> ids;
  for (const ClaimVerdict& verdict : run.analysis.verdicts) {
    if (verdict.claim.id == id) return &verdict;
    ids.push_back(verdict.claim.id);
  }
  return Fail(ExitCode::kUsage,
              id.empty() ? fmt::format("name a claim ({}), or --metric and --arm",
                                       ids.empty() ? "this run has none" : Join(ids, ", "))
                         : fmt::format("{}: no such claim in this run; {}", id,
                                       ids.empty() ? "it has none: give --metric and --arm"
                                                   : "there are: " + Join(ids, ", ")));
}

Result<Comparison> FindComparison(const OpenedRun& run, const ExplainOptions& options) {
  std::vector<std::string> metrics, arms;
  for (const Comparison& one : run.analysis.comparisons) {
    if (one.metric.id == options.metric && one.arm == options.arm) return one;
    metrics.push_back(one.metric.id);
    arms.push_back(one.arm);
  }
  const bool arm_known = std::find(arms.begin(), arms.end(), options.arm) != arms.end();
  const std::string nearest =
      arm_known ? Nearest(options.metric, metrics) : Nearest(options.arm, arms);
  return Fail(ExitCode::kUsage,
              fmt::format("{} of {}: not compared in this run; {}", options.metric, options.arm,
                          nearest.empty() ? "`blendbench export RUN --format markdown` lists the "
                                            "comparisons"
                                          : "did you mean " + nearest + "?"));
}

int Tell(const OpenedRun& run, const ExplainOptions& options, const char* name, const json& told,
         const std::string& text, Io& io) {
  if (!options.choice.json) {
    Warn(io, run.folder.warnings());
    Print(io, text);
    return Status(ExitCode::kOk);
  }
  json answer = Answer("explain", run.folder.warnings());
  answer["run"] = run.record.id;
  answer["finished"] = !run.unfinished();
  answer[name] = told;
  return Give(io, answer);
}

}  // namespace

int ExplainCommand(const ExplainOptions& options, Io& io) {
  auto run = OpenRunToRead(options.choice);
  if (!run) return Complain(io, run.error());
  if (run->unfinished() && !options.choice.peek) return Complain(io, HiddenVerdict(*run));
  if (options.metric.empty() != options.arm.empty())
    return Complain(
        io, {ExitCode::kUsage, "--metric and --arm go together; see `blendbench explain --help`"});
  if (!options.metric.empty()) {
    auto comparison = FindComparison(*run, options);
    if (!comparison) return Complain(io, comparison.error());
    const Explanation told =
        Explain(*comparison, run->record.plan.experiment.blocks, run->record.samples);
    return Tell(*run, options, "comparison", ToJson(told), ExplanationText(told), io);
  }
  auto verdict = FindClaim(*run, options.claim);
  if (!verdict) return Complain(io, verdict.error());
  const ClaimExplanation told = ExplainClaim(run->record, **verdict);
  return Tell(*run, options, "claim", ToJson(told), ExplanationText(told), io);
}

}  // namespace blendbench
