// SPDX-License-Identifier: MIT
#include "unionfs/fuse/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <csignal>
#include <utility>

#include "unionfs/fuse/session.h"

namespace blendfs::fuse {
namespace {

sigset_t SessionSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void BlockSignals() {
  sigset_t set = SessionSignals();
  sigaddset(&set, SIGPIPE);  // a reader of the log that went away is no reason to end
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalThread::SignalThread(SignalActions actions)
    : actions_(std::move(actions)), stop_(eventfd(0, EFD_CLOEXEC)), thread_([this] { Loop(); }) {}

SignalThread::~SignalThread() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void SignalThread::Loop() {
  sigset_t set = SessionSignals();
  UniqueFd signals(signalfd(-1, &set, SFD_CLOEXEC));
  pollfd waits[2] = {{signals.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  for (;;) {
    if (poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) return;
    signalfd_siginfo info{};
    if (read(signals.get(), &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo == SIGUSR1) {
      actions_.report();
    } else {
      actions_.terminate(static_cast<int>(info.ssi_signo));
    }
  }
}

}  // namespace blendfs::fuse
