// SPDX-License-Identifier: MIT
#include "harness/cluster/slurm.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/text.h"
#include "harness/spec/machines.h"

namespace blendbench {
namespace {

bool AllDigits(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The part before the next '|', which goes from `line`; the last part has none.
std::string_view TakePart(std::string_view& line) {
  const size_t bar = line.find('|');
  const std::string_view part = line.substr(0, bar);
  line = bar == std::string_view::npos ? std::string_view() : line.substr(bar + 1);
  return part;
}

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

}  // namespace

Result<std::vector<std::string>> SubmitCommand(const SlurmJob& job) {
  const std::string logs = job.logs.string();
  if (logs.find_first_of("%\\") != std::string::npos)
    return Fail(ExitCode::kUsage,
                fmt::format("{}: Slurm reads % and \\ in the path of a log as its own; choose a "
                            "folder of runs without them with --out",
                            logs));
  std::vector<std::string> command = {"sbatch",
                                      "--parsable",
                                      "--job-name=" + job.name,
                                      "--array=" + BlocksText(job.blocks, ","),
                                      "--nodes=1",
                                      "--ntasks=1",
                                      "--exclusive",
                                      "--requeue",
                                      "--open-mode=append",
                                      "--output=" + logs + "/slurm-%A_%a.log",
                                      "--chdir=/",
                                      "--export=NIL"};
  // A later option of the same name counts, so that the user's choice of the environment does.
  command.insert(command.end(), job.options.begin(), job.options.end());
  command.insert(command.end(), {(job.bundle / "block.sh").string(), job.bundle.string(),
                                 job.results.string(), job.scratch.string()});
  command.insert(command.end(), job.for_block.begin(), job.for_block.end());
  return command;
}

std::optional<std::string> JobIdOf(std::string_view answer) {
  const std::string line = Trimmed(answer.substr(0, answer.find('\n')));
  const std::string id = line.substr(0, line.find(';'));
  return AllDigits(id) ? std::optional<std::string>(id) : std::nullopt;
}

std::vector<std::string> QueueCommand(const std::string& job_name) {
  return {"squeue", "--noheader", "--array", "--name=" + job_name, "--format=%F|%K|%T|%N|%r"};
}

tl::expected<std::vector<QueuedTask>, std::string> ParseQueue(std::string_view answer) {
  std::vector<QueuedTask> tasks;
  while (!answer.empty()) {
    const size_t newline = answer.find('\n');
    std::string_view line = answer.substr(0, newline);
    answer = newline == std::string_view::npos ? std::string_view() : answer.substr(newline + 1);
    if (Trimmed(line).empty()) continue;
    const std::string whole = OneLine(line.substr(0, 200));
    QueuedTask task;
    task.job = Trimmed(TakePart(line));
    const std::string index = Trimmed(TakePart(line));
    task.state = OneLine(Trimmed(TakePart(line)));
    task.node = OneLine(Trimmed(TakePart(line)));
    task.reason = OneLine(Trimmed(line));
    if (!AllDigits(task.job) || !AllDigits(index) || index.size() > 6 || task.state.empty())
      return tl::unexpected("squeue said something that is no line of a task: " + whole);
    task.block = std::stoi(index);
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::vector<std::string> AccountCommand(const std::string& job, int block) {
  return {"sacct",
          "--noheader",
          "--parsable2",
          "--allocations",
          fmt::format("--jobs={}_{}", job, block),
          "--format=State,ExitCode,NodeList"};
}

}  // namespace blendbench
