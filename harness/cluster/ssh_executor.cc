// SPDX-License-Identifier: MIT
// RunOverSsh: every host gets the bundle, then one block after the other; what is done is fetched. A block whose host
// fails goes to another, where it begins anew.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cluster/block_results.h"
#include "harness/cluster/dealer.h"
#include "harness/cluster/executor.h"
#include "harness/cluster/ssh.h"
#include "harness/cluster/words.h"
#include "harness/guest/hostile.h"
#include "harness/guest/process.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kShortS = 120;
constexpr double kTransferS = 3600;
constexpr double kRoundS = 600;  // between two looks when nothing ends

// What this run is called over there: its name, and where it is, for others may have one of that name.
std::string RemoteName(const RunFolder& run) {
  return run.id() + "-" + Sha256Hex(fs::absolute(run.dir()).string()).substr(0, 8);
}

class SshRun {
 public:
  explicit SshRun(Elsewhere& elsewhere)
      : elsewhere_(elsewhere),
        results_(ResultsFolder(elsewhere.run.dir())),
        commands_(elsewhere.cluster.ssh_config, elsewhere.cluster.remote_folder,
                  RemoteName(elsewhere.run)),
        dealer_(UnmeasuredBlocks(elsewhere.run, results_), elsewhere.record.hosts) {}

  Result<void> Run() {
    if (dealer_.AllDone()) return {};
    if (!IsPlainWord(elsewhere_.run_config.qemu))
      return Fail(ExitCode::kUsage, "--qemu: a path for other machines is one plain word");
    for (const std::string& host : elsewhere_.cluster.hosts) {
      if (elsewhere_.interrupt.raised()) return Interrupted();
      if (Result<void> ready = MakeReady(host); ready) {
        ready_.push_back(host);
      } else if (ready.error().code == ExitCode::kInterrupted) {
        return ready;
      } else {
        elsewhere_.progress.Warn({WarningKind::kNotMeasured, host, ready.error().message,
                                  "the other machines do its blocks"});
      }
    }
    while (!dealer_.AllDone()) {
      if (Result<void> started = StartWhereFree(); !started) return started;
      if (tasks_.empty())
        return Fail(ExitCode::kEnvironment,
                    "no machine is left to measure on: the warnings above "
                    "say why; --resume tries them again");
      if (Result<void> waited = WaitForOne(); !waited) return waited;
    }
    return {};
  }

 private:
  struct Task {
    int block;
    Process process;
    Fd log;
  };

  Result<void> Interrupted() const {
    return Fail(ExitCode::kInterrupted,
                "interrupted; the hosts stop, and keep what they have: run it again with --resume "
                "and the same hosts to continue");
  }

  fs::path LogOf(const std::string& host) const {
    return ClusterLogs(elsewhere_.run.dir()) / ("ssh-" + host + ".log");
  }

  Outcome<std::string> Call(const std::vector<std::string>& command, double limit_s) const {
    return RunChecked(command, Deadline::After(limit_s), &elsewhere_.interrupt);
  }

  // The bundle is over there and whole: it is asked itself.
  Result<void> MakeReady(const std::string& host) {
    const auto failed = [&](const std::string& why) -> Result<void> {
      if (elsewhere_.interrupt.raised()) return Interrupted();
      return Fail(ExitCode::kEnvironment, why);
    };
    const std::string bundle = elsewhere_.bundle.name();
    if (const auto made = Call(commands_.MakeFolder(host), kShortS); !made)
      return failed(made.error());
    if (Call(commands_.CheckBundle(host, bundle), kShortS)) return {};
    if (elsewhere_.interrupt.raised()) return Interrupted();
    elsewhere_.progress.Note("sending the bundle to " + host);
    if (const auto removed = Call(commands_.RemoveBundle(host, bundle), kShortS); !removed)
      return failed(removed.error());
    if (const auto sent = Call(commands_.SendBundle(host, elsewhere_.bundle.folder), kTransferS);
        !sent)
      return failed(sent.error());
    if (const auto checked = Call(commands_.CheckBundle(host, bundle), kShortS); !checked)
      return failed(checked.error());
    return {};
  }

  Result<void> StartWhereFree() {
    for (const std::string& host : ready_) {
      if (tasks_.count(host) != 0) continue;
      const std::optional<int> block = dealer_.Next(host);
      if (!block) continue;
      // Who may have begun a block is known before it begins.
      elsewhere_.record.hosts = dealer_.owners();
      if (auto written = WriteClusterRecord(elsewhere_.run.dir(), elsewhere_.record); !written)
        return written;
      if (Result<void> started = Start(host, *block); !started) return started;
    }
    return {};
  }

  Result<void> Start(const std::string& host, int block) {
    Fd log(::open(LogOf(host).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log) return tl::unexpected(FileError("write", LogOf(host), errno));
    SpawnOptions spawn;
    spawn.stdout_fd = spawn.stderr_fd = log.get();
    auto process = Process::Spawn(commands_.DoBlock(host, elsewhere_.bundle.name(), block,
                                                    OptionsForBlock(elsewhere_.run_config)),
                                  spawn);
    if (!process) return Fail(ExitCode::kEnvironment, process.error());
    elsewhere_.progress.Note(fmt::format("block {}: on {}", block, host));
    tasks_.emplace(host, Task{block, std::move(*process), std::move(log)});
    return {};
  }

  Result<void> WaitForOne() {
    EventLoop loop(&elsewhere_.interrupt);
    for (auto& [host, task] : tasks_) loop.Watch(task.process.pidfd(), POLLIN, [](short) {});
    const auto ended = [&] {
      return std::any_of(tasks_.begin(), tasks_.end(),
                         [](auto& task) { return task.second.process.TryWait().has_value(); });
    };
    if (loop.RunUntil(ended, Deadline::After(kRoundS)) == Wait::kInterrupted) return Interrupted();
    for (auto task = tasks_.begin(); task != tasks_.end();) {
      const auto status = task->second.process.TryWait();
      if (!status) {
        ++task;
        continue;
      }
      const std::string host = task->first;
      const int block = task->second.block;
      task = tasks_.erase(task);
      if (Result<void> taken = Take(host, block, *status); !taken) return taken;
    }
    return {};
  }

  // Fetches a block that is done; otherwise it is dealt out again.
  Result<void> Take(const std::string& host, int block, const ExitStatus& status) {
    const std::string why = status.ok() ? Fetch(host, block) : Failure(host, status);
    if (elsewhere_.interrupt.raised()) return Interrupted();
    if (why.empty()) {
      dealer_.Done(block, host);
      TellBlock(elsewhere_, block);
      return {};
    }
    dealer_.Failed(block, host);
    elsewhere_.progress.Warn(
        {WarningKind::kNotMeasured, fmt::format("block {} on {}", block, host), why,
         dealer_.GivenUp(host) ? "the host is given up; another does it" : "it is tried again"});
    return {};
  }

  std::string Failure(const std::string& host, const ExitStatus& status) const {
    const auto log = ReadFile(LogOf(host));
    const std::string said = log ? LastLine(CleanText(*log)) : "";
    return status.Text() + (said.empty() ? "" : ": " + Truncate(said, 400));
  }

  // Into a folder of its own first: what is there under a block's name is whole.
  std::string Fetch(const std::string& host, int block) {
    const fs::path incoming = ClusterLogs(elsewhere_.run.dir()) / "incoming";
    const fs::path target = results_ / BlockName(block);
    std::error_code error;
    fs::remove_all(incoming, error);
    if (!error) fs::create_directories(incoming, error);
    if (error) return FileError("make", incoming, error.value()).message;
    if (const auto fetched = Call(commands_.FetchBlock(host, block, incoming), kTransferS);
        !fetched)
      return fetched.error();
    const auto result = ReadBlock(incoming, block);
    if (!result) return result.error().message;
    if (!IsWhole(*result, elsewhere_.run.plan())) return "what came back is not a whole block";
    fs::remove_all(target, error);
    if (!error) fs::rename(incoming / BlockName(block), target, error);
    return error ? FileError("rename", incoming, error.value()).message : "";
  }

  Elsewhere& elsewhere_;
  fs::path results_;
  SshCommands commands_;
  Dealer dealer_;
  std::vector<std::string> ready_;
  std::map<std::string, Task> tasks_;  // by host
};

}  // namespace

Result<void> RunOverSsh(Elsewhere& elsewhere) { return SshRun(elsewhere).Run(); }

}  // namespace blendbench
