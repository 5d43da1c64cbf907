// SPDX-License-Identifier: MIT
#include "harness/guest/line_channel.h"

#include <sys/socket.h>

#include <cerrno>

namespace blendbench {
namespace {

// A peer that floods us gets one such helping a turn of the loop, so that deadlines stay observed.
constexpr size_t kReadBytesPerTurn = 256 * 1024;

}  // namespace

LineChannel::LineChannel(EventLoop& loop, Fd socket, size_t max_line_bytes, LineHandler on_line)
    : loop_(loop),
      socket_(std::move(socket)),
      max_line_bytes_(max_line_bytes),
      on_line_(std::move(on_line)) {
  loop_.Watch(socket_.get(), POLLIN, [this](short revents) { OnReady(revents); });
}

LineChannel::~LineChannel() { Close(); }

void LineChannel::Send(std::string_view bytes) {
  if (closed_) return;
  outgoing_.append(bytes);
  Flush();
}

void LineChannel::OnReady(short revents) {
  if (revents & POLLOUT) Flush();
  if (revents & (POLLIN | POLLHUP | POLLERR)) Read();
}

void LineChannel::Read() {
  char buffer[65536];
  for (size_t total = 0; total < kReadBytesPerTurn && !closed_;) {
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return Close();
    total += static_cast<size_t>(got);
    Take(std::string_view(buffer, static_cast<size_t>(got)));
  }
}

void LineChannel::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t line_end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, line_end);
    if (!skipping_ && incoming_.size() + piece.size() > max_line_bytes_) {
      skipping_ = true;
      ++dropped_lines_;
      incoming_.clear();
      incoming_.shrink_to_fit();
    }
    if (!skipping_) incoming_.append(piece);
    if (line_end == std::string_view::npos) return;
    bytes.remove_prefix(line_end + 1);
    if (!skipping_) {
      std::string line;
      line.swap(incoming_);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      on_line_(line);
    }
    skipping_ = false;
  }
}

void LineChannel::Flush() {
  while (!outgoing_.empty() && !closed_) {
    const ssize_t sent = ::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return Close();
    outgoing_.erase(0, static_cast<size_t>(sent));
  }
  if (!closed_) loop_.SetEvents(socket_.get(), outgoing_.empty() ? POLLIN : POLLIN | POLLOUT);
}

void LineChannel::Close() {
  if (closed_) return;
  closed_ = true;
  loop_.Forget(socket_.get());
  socket_.reset();
}

}  // namespace blendbench
