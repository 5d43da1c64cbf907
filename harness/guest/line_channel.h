// SPDX-License-Identifier: MIT
// Lines over a non-blocking socket: what QMP and the guest agent speak. The other side is not
// trusted: a line has a greatest length, and one beyond it is thrown away up to its end and
// counted. Thread-safety: one thread, the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "harness/guest/event_loop.h"

namespace blendbench {

class LineChannel {
 public:
  using LineHandler = std::function<void(std::string_view line)>;

  // Watches `socket` on `loop`, which outlives the channel. `on_line` gets lines without their end.
  LineChannel(EventLoop& loop, Fd socket, size_t max_line_bytes, LineHandler on_line);
  ~LineChannel();
  LineChannel(const LineChannel&) = delete;
  LineChannel& operator=(const LineChannel&) = delete;

  // Queues bytes and writes as many as the socket takes now. Nothing after the channel has closed.
  void Send(std::string_view bytes);

  bool closed() const { return closed_; }
  uint64_t dropped_lines() const { return dropped_lines_; }

 private:
  void OnReady(short revents);
  void Read();
  void Flush();
  void Take(std::string_view bytes);
  void Close();

  EventLoop& loop_;
  Fd socket_;
  const size_t max_line_bytes_;
  LineHandler on_line_;
  std::string incoming_;
  std::string outgoing_;
  bool skipping_ = false;  // within a line that was too long
  bool closed_ = false;
  uint64_t dropped_lines_ = 0;
};

}  // namespace blendbench
