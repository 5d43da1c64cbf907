// SPDX-License-Identifier: MIT
// collect and block: a run that other machines carry out, from either end.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/cli/elsewhere.h"
#include "harness/cli/places.h"
#include "harness/cli/terminal_progress.h"
#include "harness/cluster/block_work.h"
#include "harness/cluster/executor.h"
#include "harness/spec/machines.h"

namespace blendbench {
namespace {

using nlohmann::json;

int CheckOnly(const Bundle& bundle, bool as_json, Io& io) {
  if (!as_json) {
    Print(io, fmt::format("{}: whole, {} files\n", bundle.folder.string(), bundle.files.size()));
    return Status(ExitCode::kOk);
  }
  json answer = Answer("block", {});
  answer.update({{"bundle", bundle.folder.string()}, {"files", bundle.files.size()}});
  return Give(io, answer);
}

std::string Listed(const char* what, const std::vector<int>& blocks) {
  return blocks.empty() ? "" : fmt::format("  {}: {}\n", what, BlocksText(blocks));
}

ExitCode CodeFor(const RunFolder& run, const MergeOutcome& outcome) {
  if (!outcome.missing.empty() || !outcome.refused.empty()) return ExitCode::kEnvironment;
  return OutcomeOf(run).failed > 0 ? ExitCode::kFailedSamples : ExitCode::kOk;
}

}  // namespace

int CollectCommand(const RunChoice& options, Io& io) {
  auto dir = FindRun(options.run, options.runs_dir);
  if (!dir) return Complain(io, dir.error());
  auto run = RunFolder::OpenForWriting(*dir);
  if (!run) return Complain(io, run.error());
  TerminalProgress progress(io);
  for (const Warning& warning : run->warnings()) progress.Warn(warning);
  auto merged = CollectRun(*run, progress);
  if (!merged) return Complain(io, merged.error());
  const ExitCode code = CodeFor(*run, *merged);
  const RunOutcome outcome = OutcomeOf(*run);
  std::vector<int> refused;
  for (const auto& [block, reason] : merged->refused) refused.push_back(block);
  if (!options.json) {
    Print(io, fmt::format("{}: {} of {} samples, {} failed\n", run->dir().string(), outcome.done,
                          outcome.steps, outcome.failed) +
                  Listed("blocks in the run", merged->entered) +
                  Listed("not measured to their end", merged->missing) +
                  Listed("refused", refused));
    return Status(code);
  }
  json answer = Answer("collect", progress.warnings());
  answer.update({{"run", run->id()},
                 {"folder", run->dir().string()},
                 {"steps", outcome.steps},
                 {"done", outcome.done},
                 {"failed", outcome.failed},
                 {"entered", merged->entered},
                 {"missing", merged->missing},
                 {"refused", refused}});
  return Give(io, answer, code);
}

int BlockCommand(const BlockCommandOptions& options, Io& io) {
  auto bundle = OpenBundle(options.bundle);
  if (!bundle) return Complain(io, bundle.error());
  if (options.check) return CheckOnly(*bundle, options.json, io);
  if (options.results.empty())
    return Complain(io, {ExitCode::kUsage, "--results is required: the folder of the blocks"});
  Interrupt interrupt;
  interrupt.CatchSignals();
  TerminalProgress progress(io);
  BlockOrder order;
  order.block = options.block;
  order.results = options.results;
  order.scratch = options.scratch;
  order.images = options.images;
  order.node = options.node;
  order.qemu = options.qemu;
  order.tune = options.tune;
  order.keep_failed = options.keep_failed;
  // Failed samples are samples: a task that has taken them has done its work.
  auto outcome = DoBlock(*bundle, order, progress, interrupt);
  if (!outcome) return Complain(io, outcome.error());
  if (!options.json) {
    Print(io, fmt::format("block {}: {} of {} samples, {} failed\n", options.block, outcome->done,
                          outcome->steps, outcome->failed));
    return Status(ExitCode::kOk);
  }
  json answer = Answer("block", progress.warnings());
  answer.update({{"bundle", bundle->folder.string()},
                 {"block", options.block},
                 {"steps", outcome->steps},
                 {"done", outcome->done},
                 {"failed", outcome->failed}});
  return Give(io, answer);
}

}  // namespace blendbench
