// SPDX-License-Identifier: MIT
// A run opened to be looked at, with what the statistics make of it. Thread-safety: one thread.
#pragma once

#include "harness/cli/commands.h"
#include "harness/export/record.h"
#include "harness/store/run_folder.h"

namespace blendbench {

struct OpenedRun {
  RunFolder folder;
  RunRecord record;
  Analysis analysis;

  // Not every planned step has a sample.
  bool unfinished() const { return !folder.PendingSteps().empty(); }
};

// Finds it, opens it for reading and analyses it. Its warnings are in folder.warnings(); nothing is printed.
Result<OpenedRun> OpenRunToRead(const RunChoice& choice);

// The warnings of the run's folder, and that it is not whole.
std::vector<Warning> WarningsOf(const OpenedRun& run);

// What a half-finished run's verdicts and means are worth: whoever looks at them and stops when they please
// has spoilt the error rates. So they are shown only on demand.
Error HiddenVerdict(const OpenedRun& run);

}  // namespace blendbench
