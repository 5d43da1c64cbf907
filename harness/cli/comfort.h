// SPDX-License-Identifier: MIT
// The commands around a run: explain, report, archive, verify, completion. Thread-safety: one thread.
#pragma once

#include <optional>

#include "harness/cli/commands.h"

namespace blendbench {

struct ComfortOptions {
  ExplainOptions explain;
  ReportOptions report;
  ArchiveOptions archive;
  VerifyOptions verify;
  CompletionOptions completion;
};

// RUN and --out, as every command that looks at a run takes them. `choice` outlives the parsing.
void AddRunChoice(CLI::App& command, RunChoice& choice);

// `options` outlives the parsing.
void DefineComfort(CLI::App& app, ComfortOptions& options);

// nullopt when the chosen command is none of these.
std::optional<int> DispatchComfort(const CLI::App& app, const ComfortOptions& options, Io& io);

}  // namespace blendbench
