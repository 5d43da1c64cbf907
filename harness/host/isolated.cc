// SPDX-License-Identifier: MIT
#include "harness/host/isolated.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "harness/base/json_text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr const char* kErrorKey = "isolated_error";

void SayTo(int fd, const nlohmann::json& message) {
  const std::string line = DumpJson(message, -1);
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t written = ::write(fd, line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) ::_exit(1);  // nobody listens any more
    done += static_cast<size_t>(written);
  }
}

[[noreturn]] void EndWith(int fd, const std::string& error) {
  SayTo(fd, {{kErrorKey, error}});
  ::_exit(1);
}

// To be called at the beginning of a child: it does not outlive its parent.
void DieWithParent(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(1);
}

void ResetSignals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM}) ::signal(number, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);  // write() tells; Process gives its children the default back
}

// The first process of its namespace.
[[noreturn]] void Inside(const std::function<Outcome<void>(const Say&)>& work, int fd) {
  // What is mounted here is nobody else's business, and /proc shows what runs here.
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    EndWith(fd, ErrnoText("cannot set up a mount namespace"));
  const Outcome<void> done = work([fd](const nlohmann::json& message) { SayTo(fd, message); });
  if (!done) EndWith(fd, done.error());
  ::_exit(0);
}

// Between the caller and the inside: only a child of the process that called unshare is in the new
// process namespace.
[[noreturn]] void Between(const std::function<Outcome<void>(const Say&)>& work, int fd, int log_fd,
                          pid_t parent) {
  ::setpgid(0, 0);
  DieWithParent(parent);
  ResetSignals();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (::dup2(null.get(), STDIN_FILENO) < 0 || ::dup2(log_fd, STDOUT_FILENO) < 0 ||
      ::dup2(log_fd, STDERR_FILENO) < 0)
    EndWith(fd, ErrnoText("cannot redirect output"));
  if (::unshare(CLONE_NEWNS | CLONE_NEWPID) != 0)
    EndWith(fd, ErrnoText("cannot make namespaces (the host substrate needs root)"));
  const pid_t inside = ::fork();
  if (inside < 0) EndWith(fd, ErrnoText("cannot fork"));
  if (inside == 0) {
    // In the new namespace the parent has no number, so getppid() cannot tell that it has gone in
    // between; then its own parent has gone too, and saying the first thing fails.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) ::_exit(1);
    Inside(work, fd);
  }
  int status = 0;
  while (::waitpid(inside, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    EndWith(fd, "the work was ended by signal " + std::to_string(WTERMSIG(status)));
  ::_exit(WEXITSTATUS(status));
}

// Kills on every way out and reaps; the namespaces collapse with their first process.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  int pidfd() const { return pidfd_.get(); }

 private:
  pid_t pid_;
  Fd pidfd_;
};

class Listener {
 public:
  // Reads what is there; false at the end.
  bool Drain(int fd, const Hear& hear) {
    char buffer[16384];
    ssize_t got;
    while ((got = ::read(fd, buffer, sizeof buffer)) > 0) {
      pending_.append(buffer, static_cast<size_t>(got));
      size_t end;
      while ((end = pending_.find('\n')) != std::string::npos) {
        Take(pending_.substr(0, end), hear);
        pending_.erase(0, end + 1);
      }
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR);
  }
  const std::string& error() const { return error_; }

 private:
  void Take(const std::string& line, const Hear& hear) {
    const std::optional<nlohmann::json> message = ParseHostileJson(line);
    if (!message) return;
    if (const auto error = StringMember(*message, kErrorKey)) {
      if (error_.empty()) error_ = *error;
    } else {
      hear(*message);
    }
  }

  std::string pending_;
  std::string error_;
};

}  // namespace

struct IsolatedWork::Parts {
  Parts(pid_t pid, Fd messages) : child(pid), read_end(std::move(messages)) {}
  const Child child;
  const Fd read_end;
  Listener listener;
  bool ended = false;
};

IsolatedWork::IsolatedWork(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
IsolatedWork::~IsolatedWork() = default;

Outcome<std::unique_ptr<IsolatedWork>> IsolatedWork::Start(
    const std::function<Outcome<void>(const Say&)>& work, const std::filesystem::path& log) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return Unexpected(ErrnoText("cannot make a pipe"));
  Fd read_end(fds[0]);
  const Fd write_end(fds[1]);
  const Fd log_fd(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log_fd) return Unexpected(ErrnoText("cannot open " + log.string()));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Unexpected(ErrnoText("cannot fork"));
  if (pid == 0) Between(work, write_end.get(), log_fd.get(), parent);
  ::setpgid(pid, pid);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  return std::unique_ptr<IsolatedWork>(
      new IsolatedWork(std::make_unique<Parts>(pid, std::move(read_end))));
}

Wait IsolatedWork::HearUntil(const Hear& hear, const std::function<bool()>& done, Deadline deadline,
                             const Interrupt* interrupt) {
  Parts& parts = *parts_;
  EventLoop loop(interrupt);
  if (!parts.ended)
    loop.Watch(parts.read_end.get(), POLLIN, [&](short) {
      // The pipe closes when the last process inside is gone.
      parts.ended = !parts.listener.Drain(parts.read_end.get(), hear);
    });
  return loop.RunUntil([&] { return parts.ended || done(); }, deadline);
}

bool IsolatedWork::ended() const { return parts_->ended; }

Outcome<void> IsolatedWork::result() const {
  if (!parts_->listener.error().empty()) return Unexpected(parts_->listener.error());
  return {};
}

Outcome<void> RunIsolated(const std::function<Outcome<void>(const Say&)>& work, const Hear& hear,
                          const std::filesystem::path& log, Deadline deadline,
                          const Interrupt* interrupt) {
  const auto started = IsolatedWork::Start(work, log);
  if (!started) return Unexpected(started.error());
  const Wait wait = (*started)->HearUntil(
      hear, [] { return false; }, deadline, interrupt);
  if (wait != Wait::kDone) return Unexpected(WaitText(wait));
  return (*started)->result();
}

}  // namespace blendbench
