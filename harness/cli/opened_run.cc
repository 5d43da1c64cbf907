// SPDX-License-Identifier: MIT
#include "harness/cli/opened_run.h"

#include <fmt/format.h>

#include "harness/cli/places.h"

namespace blendbench {

Result<OpenedRun> OpenRunToRead(const RunChoice& choice) {
  auto dir = FindRun(choice.run, choice.runs_dir);
  if (!dir) return tl::unexpected(dir.error());
  auto folder = RunFolder::OpenForReading(*dir);
  if (!folder) return tl::unexpected(folder.error());
  RunRecord record = RecordOf(*folder);
  auto analysis = Analyse(record);
  if (!analysis) return tl::unexpected(analysis.error());
  return OpenedRun{std::move(*folder), std::move(record), std::move(*analysis)};
}

std::vector<Warning> WarningsOf(const OpenedRun& run) {
  std::vector<Warning> warnings = run.folder.warnings();
  if (run.unfinished())
    warnings.push_back(
        {WarningKind::kUnfinishedRun, run.record.id,
         fmt::format(
             "{} of {} samples are still to come, and values seen before the end are no result",
             run.folder.PendingSteps().size(), run.record.plan.steps.size()),
         "`blendbench run ... --resume` continues it"});
  return warnings;
}

Error HiddenVerdict(const OpenedRun& run) {
  return {
      ExitCode::kUsage,
      fmt::format("{}: {} of {} samples are still to come, and a verdict seen before the end "
                  "invites to stop at a convenient moment; finish it with --resume, or say --peek",
                  run.record.id, run.folder.PendingSteps().size(), run.record.plan.steps.size())};
}

}  // namespace blendbench
