// SPDX-License-Identifier: MIT
#include "unionfs/fuse/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <utility>

#include "unionfs/fuse/backlog.h"
#include "unionfs/sys/processors.h"

namespace blendfs::fuse {
namespace {

// Ends a read that waits. Its handler does nothing.
constexpr int kWake = SIGUSR2;

using Clock = std::chrono::steady_clock;

// How often the guard looks while requests come, and how long it goes on without any.
constexpr std::chrono::milliseconds kGuardEvery{2};
constexpr int kGuardPatience = 20;  // looks

}  // namespace

// Pages come into use as requests need them, so that ten threads do not take ten times the largest request.
class RequestLoop::Buffer {
 public:
  explicit Buffer(size_t bytes)
      : bytes_(bytes),
        data_(static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}
  ~Buffer() {
    if (data_ != MAP_FAILED) munmap(data_, bytes_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  bool ok() const { return data_ != MAP_FAILED; }
  char* data() { return data_; }
  size_t size() const { return bytes_; }

 private:
  const size_t bytes_;
  char* const data_;
};

RequestLoop::RequestLoop(BorrowedFd device, LoopConfig config, LoopWork work)
    : device_(device),
      config_(config),
      work_(std::move(work)),
      affinity_(config_.look_for),
      stop_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const int flags = fcntl(device_.get(), F_GETFL);
  (void)fcntl(device_.get(), F_SETFL, flags | O_NONBLOCK);
  struct sigaction ignore {};
  ignore.sa_handler = [](int) {};
  (void)sigaction(kWake, &ignore, nullptr);
}

RequestLoop::~RequestLoop() = default;

Status RequestLoop::Run() {
  if (!stop_event_) return Fail(EMFILE, "eventfd");
  Buffer buffer(config_.buffer_bytes);
  if (!buffer.ok()) return Fail(ENOMEM, "buffer of a request");
  std::thread guard;
  try {
    guard = StartThread([this] { Guard(); });
    guarded_ = true;
  } catch (const std::exception&) {
    // Without it every request may turn out to take long, and is served as such.
  }
  Work(buffer);
  if (guard.joinable()) guard.join();
  // No thread is added any more: all have seen the end, or are about to.
  for (std::thread& thread : threads_) thread.join();
  if (error_ != 0) return Fail(error_, "reading the FUSE device");
  return {};
}

void RequestLoop::Stop() { End(0); }

void RequestLoop::End(int error) {
  {
    std::lock_guard lock(mutex_);
    if (error != 0 && error_ == 0) error_ = error;
    ended_.store(true);
    (void)eventfd_write(stop_event_.get(), 1);
    lead_free_.notify_all();
    guard_wanted_.notify_all();
  }
  WakeReader();
}

// Again and again: a signal that comes just before the read does not end it.
void RequestLoop::WakeReader() {
  while (const pid_t reader = reader_.load()) {
    (void)tgkill(getpid(), reader, kWake);
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

std::thread RequestLoop::StartThread(std::function<void()> body) const {
  return config_.start_thread ? config_.start_thread(std::move(body))
                              : std::thread(std::move(body));
}

bool RequestLoop::AddWorker() {
  try {
    auto buffer = std::make_shared<Buffer>(config_.buffer_bytes);
    if (!buffer->ok()) return false;
    threads_.reserve(threads_.size() + 1);  // or a thread could be started that nobody joins
    threads_.push_back(StartThread([this, buffer] {
      affinity_.Free();
      Work(*buffer);
    }));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void RequestLoop::Work(Buffer& buffer) {
  std::unique_lock lock(mutex_);
  while (!ended_.load()) {
    if (has_leader_) {
      ++parked_;
      lead_free_.wait(lock);
      --parked_;
      continue;
    }
    has_leader_ = true;
    lead_refused_ = false;
    lock.unlock();
    Lead(buffer);
    lock.lock();
  }
}

void RequestLoop::OfferLead() {
  if (parked_ > 0) {
    lead_free_.notify_one();
  } else if (threads_.size() + 1 < config_.max_threads && !ended_.load()) {
    lead_refused_ = !AddWorker();
    if (lead_refused_) {
      guard_sleeps_.store(false);
      guard_wanted_.notify_one();
    }
  }  // else whoever is done first takes it
}

// From taking the lead until it is another's.
void RequestLoop::Lead(Buffer& buffer) {
  Backlog backlog;
  for (;;) {
    const auto asked = Clock::now();
    const size_t size = Receive(buffer);
    if (size == 0) return;
    const bool waited = Clock::now() - asked < std::chrono::microseconds(2);
    const std::span<char> request(buffer.data(), size);
    const pid_t caller = work_.caller(request);
    affinity_.Note(caller);
    const bool one_of_many = work_.one_of_many(request);
    const bool much = backlog.Add(waited, caller, one_of_many);
    // Of the only caller there is it serves all that comes one by one: should another ask meanwhile, there is the guard.
    const bool others_wait = one_of_many || !affinity_.alone();
    const bool too_long = others_wait && work_.may_take_long(request);
    if (much || !guarded_ || too_long) {
      {
        std::lock_guard lock(mutex_);
        has_leader_ = false;
        OfferLead();
      }
      work_.serve(request);
      return;
    }
    const uint64_t turn = turn_.load(std::memory_order_relaxed) + 1;
    turn_.store(turn);
    if (guard_sleeps_.load()) {
      std::lock_guard lock(mutex_);
      guard_sleeps_.store(false);
      guard_wanted_.notify_one();
    }
    work_.serve(request);
    if (!StillLeads(turn)) return;
    affinity_.Answered();
  }
}

bool RequestLoop::StillLeads(uint64_t turn) {
  return turn_.compare_exchange_strong(turn, turn + 1);
}

// Whether a read waits for a request, or says at once that there is none.
void RequestLoop::WaitInRead(bool wait) {
  if (wait == waits_in_read_) return;
  const int flags = fcntl(device_.get(), F_GETFL);
  if (fcntl(device_.get(), F_SETFL, wait ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0)
    waits_in_read_ = wait;
}

// 0 as well when the loop has ended.
ssize_t RequestLoop::Read(Buffer& buffer) {
  if (!waits_in_read_) return read(device_.get(), buffer.data(), buffer.size());
  reader_.store(sys::ThisThread());
  const ssize_t got = ended_.load() ? 0 : read(device_.get(), buffer.data(), buffer.size());
  const int error = errno;
  reader_.store(0);
  errno = error;
  return got;
}

size_t RequestLoop::Receive(Buffer& buffer) {
  Clock::time_point look_until{};
  bool aborted = false;
  for (;;) {
    if (ended_.load(std::memory_order_relaxed)) return 0;
    // Beside its caller it has nothing to look for: it sleeps, and a read is the shortest way to.
    WaitInRead(affinity_.active());
    const ssize_t got = Read(buffer);
    if (got > 0) return static_cast<size_t>(got);
    if (ended_.load(std::memory_order_relaxed)) return 0;
    const int error = got < 0 ? errno : EIO;
    if (error == EAGAIN) {
      const auto now = Clock::now();
      if (look_until == Clock::time_point{}) look_until = now + config_.look_for;
      if (now < look_until) {
        sched_yield();  // whoever else wants this processor comes first
        continue;
      }
      if (!SleepUntilReadable()) return 0;
      look_until = {};
      continue;
    }
    // EINTR, or the request was taken back while it was being read.
    if (error == EINTR || error == ENOENT) continue;
    // What the unmount cuts off while it is being read says this too: the next read tells one from the other.
    if (error == ECONNABORTED && !std::exchange(aborted, true)) continue;
    End(error == ENODEV ? 0 : error);
    return 0;
  }
}

bool RequestLoop::SleepUntilReadable() {
  pollfd waits[2] = {{device_.get(), POLLIN, 0}, {stop_event_.get(), POLLIN, 0}};
  while (poll(waits, 2, -1) < 0) {
    if (errno != EINTR) return End(errno), false;
  }
  return waits[1].revents == 0;
}

void RequestLoop::TakeFromStuckLeader(uint64_t turn) {
  if (!turn_.compare_exchange_strong(turn, turn + 1)) return;  // done in the meantime
  has_leader_ = false;
  OfferLead();
}

void RequestLoop::Guard() {
  uint64_t last = 0;
  int quiet = 0;
  std::unique_lock lock(mutex_);
  while (!ended_.load()) {
    guard_wanted_.wait_for(lock, kGuardEvery);
    if (ended_.load()) return;
    if (lead_refused_) OfferLead();
    const uint64_t turn = turn_.load();
    const bool same = turn == last;
    last = turn;
    if (turn % 2 == 1) {
      quiet = 0;
      // The same request as one look ago: the lead is another's from here on.
      if (same) TakeFromStuckLeader(turn);
      continue;
    }
    quiet = same && !lead_refused_ ? quiet + 1 : 0;
    if (quiet < kGuardPatience) continue;
    quiet = 0;
    guard_sleeps_.store(true);
    if (turn_.load() != last) guard_sleeps_.store(false);
    guard_wanted_.wait(lock, [this] { return !guard_sleeps_.load() || ended_.load(); });
  }
}

}  // namespace blendfs::fuse
