// SPDX-License-Identifier: MIT
#include "harness/guest/markers.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace blendbench {

Markers::Markers(EventLoop& loop, Fd socket) : loop_(loop), socket_(std::move(socket)) {
  loop_.Watch(socket_.get(), POLLIN, [this](short) { OnReadable(); });
}

Markers::~Markers() { loop_.Forget(socket_.get()); }

void Markers::OnReadable() {
  const int64_t now_ns = MonotonicNs();
  char buffer[4096];
  const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
    loop_.Forget(socket_.get());
    return;
  }
  for (ssize_t i = 0; i < got && all_.size() < kMaxMarkers; ++i)
    all_.push_back({buffer[i], now_ns});
}

std::optional<int64_t> Markers::First(char name) const {
  for (const Marker& marker : all_)
    if (marker.name == name) return marker.ns;
  return std::nullopt;
}

size_t Markers::Count(char name) const {
  return static_cast<size_t>(std::count_if(
      all_.begin(), all_.end(), [name](const Marker& marker) { return marker.name == name; }));
}

}  // namespace blendbench
