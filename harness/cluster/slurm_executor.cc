// SPDX-License-Identifier: MIT
// RunOnSlurm: an array job whose tasks are blocks, and a wait that may be left and taken up again. The queue says what
// is under way, the blocks' folders what is done; what is in neither is submitted, once a call.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cluster/block_results.h"
#include "harness/cluster/executor.h"
#include "harness/cluster/slurm.h"
#include "harness/cluster/words.h"
#include "harness/guest/hostile.h"
#include "harness/guest/process.h"
#include "harness/spec/machines.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kSubmitS = 120;
constexpr double kQueueS = 60;
constexpr double kUnreachableS = 600;  // the controller may be restarted meanwhile

class SlurmRun {
 public:
  explicit SlurmRun(Elsewhere& elsewhere)
      : elsewhere_(elsewhere),
        results_(ResultsFolder(elsewhere.run.dir())),
        unreachable_(Deadline::After(kUnreachableS)) {}

  Result<void> Run() {
    if (elsewhere_.record.job_name.empty())
      elsewhere_.record.job_name =
          "blendbench-" +
          Sha256Hex(fs::absolute(elsewhere_.run.dir()).string() + elsewhere_.run.plan_sha256())
              .substr(0, 12);
    waiting_ = UnmeasuredBlocks(elsewhere_.run, results_);
    while (!waiting_.empty()) {
      if (Result<void> looked = Look(); !looked) return looked;
      if (waiting_.empty()) break;
      EventLoop loop(&elsewhere_.interrupt);
      if (loop.RunUntil([] { return false; }, Deadline::After(elsewhere_.cluster.poll_s)) ==
          Wait::kInterrupted)
        return Interrupted();
    }
    return {};
  }

 private:
  Error InterruptedError() const {
    const std::string jobs = Join(elsewhere_.record.jobs, " ");
    return {ExitCode::kInterrupted,
            jobs.empty() ? "interrupted before anything was submitted; --resume begins"
                         : fmt::format("interrupted; job {} goes on: --resume waits for it again, "
                                       "`scancel {}` ends it",
                                       jobs, jobs)};
  }
  Result<void> Interrupted() const { return tl::unexpected(InterruptedError()); }

  // One look at the folders and the queue, and what follows from it.
  Result<void> Look() {
    std::erase_if(waiting_, [&](int block) {
      if (!IsMeasured(results_, block, elsewhere_.run.plan())) return false;
      TellBlock(elsewhere_, block);
      return true;
    });
    if (waiting_.empty()) return {};
    Result<std::optional<std::set<int>>> queued = AskQueue();
    if (!queued) return tl::unexpected(queued.error());
    if (!*queued) return {};  // not to be reached just now
    std::vector<int> unsubmitted, lost;
    for (const int block : waiting_) {
      if ((*queued)->count(block) != 0) {
        lost_since_.erase(block);
      } else if (submitted_.count(block) == 0) {
        unsubmitted.push_back(block);
      } else if (IsLost(block)) {
        lost.push_back(block);
      }
    }
    if (!lost.empty()) return tl::unexpected(LostError(lost));
    return unsubmitted.empty() ? Result<void>() : Submit(unsubmitted);
  }

  // The blocks with a task in the queue; nullopt when Slurm could not be asked, which passes.
  Result<std::optional<std::set<int>>> AskQueue() {
    const auto answer = RunChecked(QueueCommand(elsewhere_.record.job_name),
                                   Deadline::After(kQueueS), &elsewhere_.interrupt);
    if (!answer && elsewhere_.interrupt.raised()) return tl::unexpected(InterruptedError());
    using Queue = tl::expected<std::vector<QueuedTask>, std::string>;
    const Queue tasks = answer ? ParseQueue(*answer) : Queue(tl::unexpect, answer.error());
    if (!tasks) {
      if (!told_unreachable_) elsewhere_.progress.Note("Slurm does not answer: " + tasks.error());
      told_unreachable_ = true;
      if (!unreachable_.passed()) return std::nullopt;
      return Fail(ExitCode::kEnvironment,
                  fmt::format("Slurm has not answered for {} minutes: {}; --resume waits again",
                              static_cast<int>(kUnreachableS / 60), tasks.error()));
    }
    told_unreachable_ = false;
    unreachable_ = Deadline::After(kUnreachableS);
    std::set<int> blocks;
    for (const QueuedTask& task : *tasks) {
      blocks.insert(task.block);
      submitted_.insert(task.block);  // by an earlier call, perhaps
      Remember(task.job);
      TellState(task);
    }
    return std::optional<std::set<int>>(std::move(blocks));
  }

  void TellState(const QueuedTask& task) {
    const std::string state = task.node.empty() ? fmt::format("{} ({})", task.state, task.reason)
                                                : fmt::format("{} on {}", task.state, task.node);
    if (std::exchange(states_[task.block], state) != state)
      elsewhere_.progress.Note(fmt::format("block {}: {}", task.block, state));
  }

  void Remember(const std::string& job) {
    std::vector<std::string>& jobs = elsewhere_.record.jobs;
    if (std::find(jobs.begin(), jobs.end(), job) != jobs.end()) return;
    jobs.push_back(job);
    // Without it --resume finds the job by its name all the same.
    static_cast<void>(WriteClusterRecord(elsewhere_.run.dir(), elsewhere_.record));
  }

  Result<void> Submit(const std::vector<int>& blocks) {
    Result<std::vector<std::string>> options = SlurmArguments(elsewhere_.cluster.slurm_options);
    if (!options) return tl::unexpected(options.error());
    SlurmJob job;
    job.name = elsewhere_.record.job_name;
    job.blocks = blocks;
    job.bundle = elsewhere_.bundle.folder;
    job.results = results_;
    job.scratch = elsewhere_.cluster.scratch;
    job.logs = ClusterLogs(elsewhere_.run.dir());
    job.options = std::move(*options);
    job.for_block = OptionsForBlock(elsewhere_.run_config);
    Result<std::vector<std::string>> command = SubmitCommand(job);
    if (!command) return tl::unexpected(command.error());
    // The name is on disk before the job is: a kill in between loses nothing.
    if (auto written = WriteClusterRecord(elsewhere_.run.dir(), elsewhere_.record); !written)
      return written;
    const auto answer = RunChecked(*command, Deadline::After(kSubmitS), nullptr);
    const auto id = answer ? JobIdOf(*answer) : std::nullopt;
    if (!id)
      return Fail(ExitCode::kEnvironment,
                  fmt::format("sbatch did not take the job: {}; --resume tries again",
                              answer ? "it answered \"" + OneLine(answer->substr(0, 200)) + "\""
                                     : answer.error()));
    submitted_.insert(blocks.begin(), blocks.end());
    Remember(*id);
    elsewhere_.progress.Note(
        fmt::format("submitted as job {}: blocks {}", *id, BlocksText(blocks)));
    return {};
  }

  // Out of the queue without results. A shared file system may show them a little later.
  bool IsLost(int block) {
    const auto since =
        lost_since_.try_emplace(block, Deadline::After(elsewhere_.cluster.lost_after_s));
    return since.first->second.passed();
  }

  Error LostError(const std::vector<int>& blocks) const {
    const int block = blocks.front();
    std::string why;
    for (auto job = elsewhere_.record.jobs.rbegin(); job != elsewhere_.record.jobs.rend(); ++job) {
      const fs::path log =
          ClusterLogs(elsewhere_.run.dir()) / fmt::format("slurm-{}_{}.log", *job, block);
      if (const auto account = RunChecked(AccountCommand(*job, block), Deadline::After(kQueueS),
                                          &elsewhere_.interrupt);
          account && !LastLine(CleanText(*account)).empty())
        why += fmt::format("; Slurm says {}", LastLine(CleanText(*account)));
      if (const auto text = ReadFile(log); text && !LastLine(CleanText(*text)).empty()) {
        why += fmt::format("; {} ends with: {}", log.string(),
                           Truncate(LastLine(CleanText(*text)), 400));
        break;
      }
    }
    return {ExitCode::kEnvironment,
            fmt::format("blocks {} have left Slurm's queue without their samples{}; --resume "
                        "submits them again",
                        BlocksText(blocks), why)};
  }

  Elsewhere& elsewhere_;
  fs::path results_;
  std::vector<int> waiting_;  // blocks that are not whole
  std::set<int> submitted_;   // in this call, or found in the queue
  std::map<int, std::string> states_;
  std::map<int, Deadline> lost_since_;
  Deadline unreachable_;
  bool told_unreachable_ = false;
};

}  // namespace

Result<void> RunOnSlurm(Elsewhere& elsewhere) { return SlurmRun(elsewhere).Run(); }

}  // namespace blendbench
