// SPDX-License-Identifier: MIT
// Slurm's commands as argument vectors, and its answers taken apart. Pure; thread-safe.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "harness/base/exit_code.h"

namespace blendbench {

struct SlurmJob {
  std::string name;              // plain
  std::vector<int> blocks;       // one task of the array each
  std::filesystem::path bundle;  // absolute, as all paths here
  std::filesystem::path results;
  std::filesystem::path scratch;
  std::filesystem::path logs;          // a file a task, appended to when it starts again
  std::vector<std::string> options;    // SlurmArguments()
  std::vector<std::string> for_block;  // further options of `blendbench block`
};

// sbatch with the bundle's fixed script: one task is one whole block, alone on its machine, requeued when that fails.
// kUsage for a path that Slurm would read a pattern in.
Result<std::vector<std::string>> SubmitCommand(const SlurmJob& job);

// The id in the answer to sbatch --parsable: "17" or "17;cluster".
std::optional<std::string> JobIdOf(std::string_view answer);

// squeue for the tasks of that name, a line each.
std::vector<std::string> QueueCommand(const std::string& job_name);

struct QueuedTask {
  std::string job;  // id of the array
  int block = -1;
  std::string state;   // "PENDING", "RUNNING", "COMPLETING", "CONFIGURING", ...
  std::string node;    // "" while it waits
  std::string reason;  // why it waits, or "None"
};
// An error names the line that is none of squeue's.
tl::expected<std::vector<QueuedTask>, std::string> ParseQueue(std::string_view answer);

// sacct for one task that has left the queue: "STATE|EXITCODE|NODES" a line. Many installations keep no accounts.
std::vector<std::string> AccountCommand(const std::string& job, int block);

}  // namespace blendbench
