// SPDX-License-Identifier: MIT
// QEMU's machine protocol: commands with their replies, events as they come. QEMU is ours, but a
// guest that breaks out of its limits must not break us: every reply is checked, every wait has an
// end. Thread-safety: one thread, the loop's.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "harness/guest/line_channel.h"

namespace blendbench {

struct QmpEvent {
  std::string name;     // "SHUTDOWN", "GUEST_PANICKED", ...
  nlohmann::json data;  // an object, possibly empty
};

class Qmp {
 public:
  using EventHandler = std::function<void(const QmpEvent& event)>;

  // `loop` outlives the object. Events also come while a command waits for its reply.
  Qmp(EventLoop& loop, Fd socket, EventHandler on_event);

  // Waits for the greeting and leaves negotiation mode. To be called once, before Execute.
  Outcome<void> Negotiate(Deadline deadline);

  // The "return" member of the reply. QEMU's own error text otherwise, or why there was no reply.
  Outcome<nlohmann::json> Execute(const std::string& command, const nlohmann::json& arguments,
                                  Deadline deadline);

  // "10.0.2", from the greeting.
  const std::string& qemu_version() const { return qemu_version_; }
  bool closed() const { return channel_.closed(); }

 private:
  void OnLine(std::string_view line);

  EventLoop& loop_;
  EventHandler on_event_;
  bool greeted_ = false;
  std::string qemu_version_;
  int64_t last_id_ = 0;
  std::optional<nlohmann::json> reply_;  // to the command with last_id_
  LineChannel channel_;                  // last: its handler uses the members above
};

}  // namespace blendbench
