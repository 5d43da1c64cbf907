// SPDX-License-Identifier: MIT
#include "unionfs/tools/daemon.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "unionfs/base/log.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

namespace blendfs::tools {
namespace {

void Fatal(const char* what) {
  fprintf(stderr, "blendfs: %s: %s\n", what, strerror(errno));
  exit(1);
}

// The parent: 0 when the child is ready, else the child's exit code.
[[noreturn]] void WaitFor(pid_t child, const UniqueFd& line) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = read(line.get(), &byte, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1) _exit(0);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFSIGNALED(status)) {
    fprintf(stderr, "blendfs: the daemon was ended by signal %d while starting\n",
            WTERMSIG(status));
    _exit(1);
  }
  _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
}

// systemd stops every process, this one as well, while it picks those it is about to kill, and meanwhile
// looks up files of the root that only this process can answer: both would wait for ever. Generating SIGCONT
// lets a stopped process run again, and the kernel's timers go on while it is stopped.
//
// A SIGSTOP throws away a SIGCONT that waits to be taken, and a timer whose signal was thrown away does not send
// another. So there are several, each twice as late as the one before and all set anew whenever a signal is taken:
// the process stays stopped only if each of them expires just before a SIGSTOP.
constexpr int64_t kStoppedAtMostNs = 200'000'000;
constexpr int kContinueTimers = 8;  // the last after 25.6 s

using ContinueTimers = std::array<timer_t, kContinueTimers>;

bool MakeTimers(ContinueTimers& timers) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGCONT;
  return std::ranges::all_of(
      timers, [&](timer_t& timer) { return timer_create(CLOCK_MONOTONIC, &event, &timer) == 0; });
}

bool SetTimers(const ContinueTimers& timers) {
  int64_t after_ns = kStoppedAtMostNs;
  return std::ranges::all_of(timers, [&](timer_t timer) {
    const itimerspec once{
        .it_interval = {},
        .it_value = {.tv_sec = after_ns / 1'000'000'000, .tv_nsec = after_ns % 1'000'000'000}};
    after_ns *= 2;
    return timer_settime(timer, 0, &once, nullptr) == 0;
  });
}

sigset_t ContinueSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCONT);
  return signals;
}

// For as long as the process lives.
ContinueTimers continue_timers;

void* TakeContinues(void*) {
  const sigset_t signals = ContinueSignal();
  for (int signal = 0;;) {
    sigwait(&signals, &signal);
    SetTimers(continue_timers);
  }
}

}  // namespace

void NeverStayStopped() {
  const sigset_t signals = ContinueSignal();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads made later inherit it
  pthread_t thread;
  if (!MakeTimers(continue_timers) || !SetTimers(continue_timers) ||
      pthread_create(&thread, nullptr, TakeContinues, nullptr) != 0) {
    LogWarning("cannot guard against being stopped: a shutdown may hang");
    return;
  }
  pthread_detach(thread);
}

void Starter::Ready() {
  if (!line_) return;
  [[maybe_unused]] ssize_t written = write(line_.get(), "r", 1);
  line_.reset();
}

Starter BecomeDaemon() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Fatal("pipe");
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  pid_t child = fork();
  if (child < 0) Fatal("fork");
  if (child > 0) {
    write_end.reset();
    WaitFor(child, read_end);
  }
  setsid();
  return Starter(std::move(write_end));
}

void DetachFromTerminal() {
  [[maybe_unused]] int moved = chdir("/");
  UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return;  // an initramfs without devtmpfs: the console stays
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null.get(), fd);
}

size_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return SIZE_MAX;
  // Root may go beyond its hard limit, up to the system's own.
  rlim_t most = limit.rlim_max;
  if (UniqueFd file(open("/proc/sys/fs/nr_open", O_RDONLY | O_CLOEXEC)); file) {
    char text[32] = {};
    if (read(file.get(), text, sizeof text - 1) > 0)
      most = std::max<rlim_t>(most, strtoull(text, nullptr, 10));
  }
  rlimit wish{most, most};
  if (setrlimit(RLIMIT_NOFILE, &wish) == 0) return most;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

void ShareOneHeap() { (void)mallopt(M_ARENA_MAX, 1); }

void ProtectForRoot() {
  NeverStayStopped();
  // On fault: pages are locked as they come into use, so that thread stacks do not all become resident.
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    LogWarning(std::string("cannot lock memory: ") + strerror(errno));
  }
  if (UniqueFd file(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)); file) {
    if (write(file.get(), "-1000", 5) != 5) LogWarning("cannot leave the OOM killer's list");
  } else {
    LogWarning("cannot leave the OOM killer's list: /proc is not mounted");
  }
  if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) != 0 && errno != EINVAL) {
    LogWarning(std::string("cannot become an I/O flusher: ") + strerror(errno));
  }
}

}  // namespace blendfs::tools
