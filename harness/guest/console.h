// SPDX-License-Identifier: MIT
// A guest's console: everything it writes goes to a file, up to a limit, and the end of it is at
// hand for failure reports. A guest that writes without end costs neither disk nor memory.
// Thread-safety: one thread, the loop's.
#pragma once

#include <cstdint>
#include <string>

#include "harness/guest/event_loop.h"

namespace blendbench {

class Console {
 public:
  // Watches `socket` on `loop`, which outlives the object, and writes to `file`.
  Console(EventLoop& loop, Fd socket, Fd file, uint64_t max_file_bytes);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Raw bytes, as the guest wrote them: the last 32 KiB or so.
  const std::string& tail() const { return tail_; }
  uint64_t bytes_seen() const { return bytes_seen_; }

 private:
  void OnReadable();
  void Store(const char* bytes, size_t count);

  EventLoop& loop_;
  Fd socket_;
  Fd file_;
  const uint64_t max_file_bytes_;
  uint64_t bytes_seen_ = 0;
  std::string tail_;
};

}  // namespace blendbench
