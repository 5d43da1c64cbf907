// SPDX-License-Identifier: MIT
#include "harness/guest/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "harness/base/text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr size_t kMaxOutputBytes = 1 << 20;

// Everything between fork and exec: async-signal-safe calls only.
[[noreturn]] void ExecChild(char* const* argv, const SpawnOptions& options, pid_t parent,
                            int error_fd) {
  auto fail = [error_fd] {
    const int code = errno;
    [[maybe_unused]] const ssize_t written = ::write(error_fd, &code, sizeof code);
    ::_exit(127);
  };
  ::setpgid(0, 0);
  // The parent may be gone already: then nobody would send the signal.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) fail();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int reset : {SIGINT, SIGTERM, SIGPIPE}) ::signal(reset, SIG_DFL);
  const int null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd < 0) fail();
  if (::dup2(null_fd, STDIN_FILENO) < 0) fail();
  if (::dup2(options.stdout_fd >= 0 ? options.stdout_fd : null_fd, STDOUT_FILENO) < 0) fail();
  if (::dup2(options.stderr_fd >= 0 ? options.stderr_fd : null_fd, STDERR_FILENO) < 0) fail();
  for (const int fd : options.keep_fds)
    if (::fcntl(fd, F_SETFD, 0) != 0) fail();
  if (!options.working_folder.empty() && ::chdir(options.working_folder.c_str()) != 0) fail();
  ::execvp(argv[0], argv);
  fail();
  ::_exit(127);
}

ExitStatus FromWaitStatus(int status) {
  ExitStatus exit_status;
  if (WIFEXITED(status)) exit_status.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) exit_status.signal = WTERMSIG(status);
  return exit_status;
}

}  // namespace

std::string ExitStatus::Text() const {
  return signal != 0 ? "signal " + std::to_string(signal) : "exit code " + std::to_string(code);
}

Outcome<Process> Process::Spawn(const std::vector<std::string>& argv, const SpawnOptions& options) {
  std::vector<char*> raw_argv;
  for (const std::string& argument : argv) raw_argv.push_back(const_cast<char*>(argument.c_str()));
  raw_argv.push_back(nullptr);
  int error_pipe[2];
  if (::pipe2(error_pipe, O_CLOEXEC) != 0) return Unexpected(ErrnoText("cannot make a pipe"));
  Fd error_read(error_pipe[0]);
  Fd error_write(error_pipe[1]);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Unexpected(ErrnoText("cannot start " + argv[0]));
  if (pid == 0) ExecChild(raw_argv.data(), options, parent, error_write.get());
  Process process;
  process.pid_ = pid;
  // Also done by the child: whoever is first, Kill() finds the group.
  ::setpgid(pid, pid);
  error_write.reset();
  int child_errno = 0;
  ssize_t got;
  do {
    got = ::read(error_read.get(), &child_errno, sizeof child_errno);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    process.Kill();
    const std::string why = std::generic_category().message(child_errno);
    return Unexpected("cannot start " + argv[0] + ": " + why +
                      (child_errno == ENOENT ? "; install it with setup/" : ""));
  }
  process.pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.pidfd_) return Unexpected(ErrnoText("cannot watch " + argv[0]));
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      status_(other.status_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  Kill();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  status_ = other.status_;
  return *this;
}

Process::~Process() { Kill(); }

std::optional<ExitStatus> Process::TryWait() {
  if (status_ || pid_ < 0) return status_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) status_ = FromWaitStatus(status);
  return status_;
}

void Process::Kill() {
  if (pid_ < 0) return;
  // The group first, while the unreaped leader still holds its number: nobody else can get it.
  if (!status_) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    int status = 0;
    pid_t reaped;
    do {
      reaped = ::waitpid(pid_, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    if (reaped == pid_) status_ = FromWaitStatus(status);
  }
  pid_ = -1;
}

Outcome<CommandResult> RunCommand(const std::vector<std::string>& argv, Deadline deadline,
                                  const Interrupt* interrupt) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return Unexpected(ErrnoText("cannot make a pipe"));
  Fd read_end(fds[0]);
  Fd write_end(fds[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  SpawnOptions options;
  options.stdout_fd = options.stderr_fd = write_end.get();
  Outcome<Process> process = Process::Spawn(argv, options);
  if (!process) return Unexpected(process.error());
  write_end.reset();

  CommandResult result;
  EventLoop loop(interrupt);
  auto drain = [&](short) {
    char buffer[16384];
    ssize_t got;
    while ((got = ::read(read_end.get(), buffer, sizeof buffer)) > 0) {
      const size_t room = kMaxOutputBytes - result.output.size();
      result.output.append(buffer, std::min(room, static_cast<size_t>(got)));
    }
    if (got == 0) loop.Forget(read_end.get());
  };
  loop.Watch(read_end.get(), POLLIN, drain);
  loop.Watch(process->pidfd(), POLLIN, [](short) {});
  // Ends with the child itself: a grandchild that keeps the pipe open is not waited for.
  const Wait wait = loop.RunUntil([&] { return process->TryWait().has_value(); }, deadline);
  if (wait != Wait::kDone) return Unexpected(argv[0] + ": " + WaitText(wait));
  drain(POLLIN);
  result.status = *process->TryWait();
  return result;
}

Outcome<std::string> RunChecked(const std::vector<std::string>& argv, Deadline deadline,
                                const Interrupt* interrupt) {
  Outcome<CommandResult> result = RunCommand(argv, deadline, interrupt);
  if (!result) return Unexpected(result.error());
  if (result->status.ok()) return std::move(result->output);
  const std::string said = LastLine(CleanText(result->output));
  return Unexpected(argv[0] + ": " + (said.empty() ? result->status.Text() : said));
}

}  // namespace blendbench
