// SPDX-License-Identifier: MIT
#include "harness/guest/event_loop.h"

#include <signal.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <vector>

namespace blendbench {
namespace {

std::atomic<Interrupt*> g_catcher{nullptr};

void OnSignal(int signal_number) {
  const int saved_errno = errno;
  if (Interrupt* interrupt = g_catcher.load()) interrupt->Raise(signal_number);
  errno = saved_errno;
}

void SetHandler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  // The terminal, or the connection that a block was started over, has gone; but who said nohup meant it.
  struct sigaction hangup {};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
    ::sigaction(SIGHUP, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Interrupt::CatchSignals() {
  g_catcher.store(this);
  catching_ = true;
  SetHandler(OnSignal);
}

Interrupt::~Interrupt() {
  if (!catching_) return;
  SetHandler(SIG_DFL);
  g_catcher.store(nullptr);
}

void Interrupt::Raise(int signal_number) {
  signal_.store(signal_number);
  const uint64_t one = 1;
  // The counter can only be full when it was raised before: nothing is lost.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

void EventLoop::Watch(int fd, short events, Handler handler) {
  watched_[fd] = Watched{events, std::make_shared<Handler>(std::move(handler))};
}

void EventLoop::SetEvents(int fd, short events) {
  if (auto found = watched_.find(fd); found != watched_.end()) found->second.events = events;
}

void EventLoop::Forget(int fd) { watched_.erase(fd); }

void EventLoop::PollOnce(int timeout_ms) {
  std::vector<pollfd> polled;
  polled.reserve(watched_.size() + 1);
  for (const auto& [fd, watched] : watched_) polled.push_back({fd, watched.events, 0});
  if (interrupt_ != nullptr) polled.push_back({interrupt_->fd(), POLLIN, 0});
  if (::poll(polled.data(), polled.size(), timeout_ms) <= 0) return;  // time-out or a signal
  for (const pollfd& entry : polled) {
    if (entry.revents == 0) continue;
    const auto found = watched_.find(entry.fd);
    if (found == watched_.end()) continue;  // the interrupt, or forgotten by a handler just now
    const std::shared_ptr<Handler> handler = found->second.handler;
    (*handler)(entry.revents);
  }
}

Wait EventLoop::RunUntil(const std::function<bool()>& done, Deadline deadline) {
  while (true) {
    if (done()) return Wait::kDone;
    if (interrupt_ != nullptr && interrupt_->raised()) return Wait::kInterrupted;
    if (abort_ && abort_()) return Wait::kAborted;
    if (deadline.passed()) return Wait::kTimeout;
    PollOnce(deadline.remaining_ms());
  }
}

const char* WaitText(Wait wait) {
  switch (wait) {
    case Wait::kDone:
      return "done";
    case Wait::kTimeout:
      return "timed out";
    case Wait::kInterrupted:
      return "interrupted";
    case Wait::kAborted:
      return "the guest has gone";
  }
  return "";
}

}  // namespace blendbench
