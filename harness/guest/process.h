// SPDX-License-Identifier: MIT
// A child process with an owner: started without a shell, in a process group of its own, killed on
// every way out, also when blendbench itself is killed.
// Thread-safety: one thread, which must be the one that lives longest (the kernel kills the child
// when the thread that started it ends).
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/guest/clock.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/fd.h"

namespace blendbench {

struct SpawnOptions {
  int stdout_fd = -1;          // -1: /dev/null
  int stderr_fd = -1;          // -1: /dev/null
  std::vector<int> keep_fds;   // keep their numbers in the child; all others are close-on-exec
  std::string working_folder;  // "": the caller's
};

// How a child ended.
struct ExitStatus {
  int code = -1;   // -1 when a signal ended it
  int signal = 0;  // 0 when it exited
  bool ok() const { return code == 0; }
  std::string Text() const;  // "exit code 1", "signal 9"
};

class Process {
 public:
  // argv[0] is searched on PATH. An error names the program and what to do about it.
  static Outcome<Process> Spawn(const std::vector<std::string>& argv, const SpawnOptions& options);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  // Readable once the child has ended.
  int pidfd() const { return pidfd_.get(); }
  // Reaps the child if it has ended. Does not wait.
  std::optional<ExitStatus> TryWait();
  // SIGKILL to the whole group, and reaps. Does nothing to a child that is gone.
  void Kill();

 private:
  Process() = default;

  pid_t pid_ = -1;
  Fd pidfd_;
  std::optional<ExitStatus> status_;
};

// The outcome of a command that ran to its end.
struct CommandResult {
  ExitStatus status;
  std::string output;  // stdout and stderr together, cut at 1 MiB
};

// Runs a short host command. An error means that it could not be started or did not end in time (it
// is killed then); an exit code other than 0 is not an error here.
Outcome<CommandResult> RunCommand(const std::vector<std::string>& argv, Deadline deadline,
                                  const Interrupt* interrupt);
// The same, but an exit code other than 0 is an error with the command's last line.
Outcome<std::string> RunChecked(const std::vector<std::string>& argv, Deadline deadline,
                                const Interrupt* interrupt);

}  // namespace blendbench
