// SPDX-License-Identifier: MIT
// Boot markers: the bytes a guest writes to its debug port, each stamped with the host's monotonic
// clock when it is received. What they mean is in ARCHITECTURE.md.
// Thread-safety: one thread, the loop's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/guest/event_loop.h"

namespace blendbench {

struct Marker {
  char name;
  int64_t ns;  // CLOCK_MONOTONIC on the host
};

class Markers {
 public:
  // Watches `socket` on `loop`, which outlives the object.
  Markers(EventLoop& loop, Fd socket);
  ~Markers();
  Markers(const Markers&) = delete;
  Markers& operator=(const Markers&) = delete;

  // In the order they came; at most kMaxMarkers, whatever the guest writes.
  const std::vector<Marker>& all() const { return all_; }
  // When `name` came for the first time.
  std::optional<int64_t> First(char name) const;
  size_t Count(char name) const;

  static constexpr size_t kMaxMarkers = 256;

 private:
  void OnReadable();

  EventLoop& loop_;
  Fd socket_;
  std::vector<Marker> all_;
};

}  // namespace blendbench
