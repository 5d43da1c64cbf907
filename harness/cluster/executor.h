// SPDX-License-Identifier: MIT
// Carries a planned run out on other machines: a bundle goes there, whole blocks come back and are merged after checks.
// The same promise as ExecuteRun's: what was measured is on disk at any moment, and another call continues.
// Thread-safety: one thread, the process's main one.
#pragma once

#include "harness/base/progress.h"
#include "harness/cluster/cluster_record.h"
#include "harness/cluster/config.h"
#include "harness/cluster/merge.h"

namespace blendbench {

// What the executors share.
struct Elsewhere {
  RunFolder& run;
  const Bundle& bundle;
  const RunConfig& run_config;
  const ClusterConfig& cluster;
  ClusterRecord& record;
  Progress& progress;
  const Interrupt& interrupt;
};

// `run` is open for writing. kUsage for options that do not fit the executor or the run, kEnvironment when machines
// fail or blocks are missing or refused at the end, kInterrupted with what goes on elsewhere and how to come back.
Result<RunOutcome> ExecuteElsewhere(RunFolder& run, const RunConfig& config,
                                    const ClusterConfig& cluster, Progress& progress,
                                    const Interrupt& interrupt);

// Whether the run may be continued by this executor: one that was begun elsewhere has blocks there, and one that was
// begun here a block that only this machine may finish.
Result<void> CheckExecutor(const RunFolder& run, const std::string& executor);

// Merges by hand what there is. kUsage for a run that was not carried out elsewhere.
Result<MergeOutcome> CollectRun(RunFolder& run, Progress& progress);

// The blocks that have steps without a sample in the run, in order.
std::vector<int> PendingBlocks(const RunFolder& run);

// The same without those that lie whole in `results` and wait to be merged.
std::vector<int> UnmeasuredBlocks(const RunFolder& run, const std::filesystem::path& results);

// What of a run's settings `blendbench block` is told on each machine, as words of its command line.
std::vector<std::string> OptionsForBlock(const RunConfig& config);

// Tells that a block has come to its end.
void TellBlock(const Elsewhere& elsewhere, int block);

// Returns when every block is whole in ResultsFolder().
Result<void> RunOnSlurm(Elsewhere& elsewhere);
Result<void> RunOverSsh(Elsewhere& elsewhere);

}  // namespace blendbench
