// SPDX-License-Identifier: MIT
#include "harness/host/pauser.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "harness/guest/clock.h"

namespace blendbench {
namespace {

constexpr int64_t kTurn_ns = 4'000'000;    // of running, between two pauses
constexpr int64_t kShortest_ns = 200'000;  // a pause shorter than that is saved up

void Sleep(int64_t ns) {
  timespec span{ns / 1'000'000'000, ns % 1'000'000'000};
  ::nanosleep(&span, nullptr);
}

}  // namespace

Pauser::Pauser(double share, std::function<void(int signal)> send)
    : share_(share), send_(std::move(send)) {
  if (share_ <= 0) return;
  // The thread takes no signals: they are for the one that made it.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Pauser::~Pauser() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Pauser::Work() {
  int64_t now_ns = MonotonicNs();
  while (!stop_) {
    Sleep(kTurn_ns);
    int64_t then_ns = MonotonicNs();
    running_ns_ += then_ns - now_ns;
    now_ns = then_ns;
    // What is owed, by the time that really went by: a late wake-up is made good in the next turn.
    const auto owed_ns =
        static_cast<int64_t>(static_cast<double>(running_ns_) * share_) - paused_ns_;
    if (owed_ns < kShortest_ns) continue;
    send_(SIGSTOP);
    Sleep(owed_ns);
    send_(SIGCONT);
    then_ns = MonotonicNs();
    paused_ns_ += then_ns - now_ns;
    now_ns = then_ns;
  }
}

void SignalAllInside(int signal) {
  if (::getpid() == 1) ::kill(-1, signal);
}

}  // namespace blendbench
