// SPDX-License-Identifier: MIT
#include "harness/guest/console.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace blendbench {
namespace {

constexpr size_t kTailBytes = 32 * 1024;
constexpr std::string_view kCut = "\n[blendbench: console cut here, the guest wrote too much]\n";

}  // namespace

Console::Console(EventLoop& loop, Fd socket, Fd file, uint64_t max_file_bytes)
    : loop_(loop),
      socket_(std::move(socket)),
      file_(std::move(file)),
      max_file_bytes_(max_file_bytes) {
  loop_.Watch(socket_.get(), POLLIN, [this](short) { OnReadable(); });
}

Console::~Console() { loop_.Forget(socket_.get()); }

void Console::OnReadable() {
  char buffer[32768];
  const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
    loop_.Forget(socket_.get());
    return;
  }
  if (got > 0) Store(buffer, static_cast<size_t>(got));
}

void Console::Store(const char* bytes, size_t count) {
  const uint64_t room = max_file_bytes_ - std::min(bytes_seen_, max_file_bytes_);
  const size_t kept = static_cast<size_t>(std::min<uint64_t>(room, count));
  // A full disk loses log lines, not the measurement: the tail is still in memory.
  [[maybe_unused]] ssize_t written = ::write(file_.get(), bytes, kept);
  if (kept < count && room > 0) written = ::write(file_.get(), kCut.data(), kCut.size());
  bytes_seen_ += count;
  tail_.append(bytes, count);
  if (tail_.size() > 2 * kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
}

}  // namespace blendbench
