// SPDX-License-Identifier: MIT
// The guest agent: runs programs inside the guest and moves small files, over the virtio serial
// port. It is a program of the guest, so it is not trusted: replies have size limits, shapes are
// checked, every wait ends, and after a lost reply the next command first finds the common thread
// again. Thread-safety: one thread, the loop's.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/guest/line_channel.h"

namespace blendbench {

struct GuestCommand {
  std::string path;  // absolute, in the guest; no shell
  std::vector<std::string> arguments = {};
  std::map<std::string, std::string> environment = {};  // empty: the agent's own
  double poll_s = 0.5;  // the longest pause between two looks at it: each look wakes the guest
};

struct GuestExit {
  int code = -1;
  int signal = 0;
  std::string out;  // raw bytes, as the guest sent them
  std::string err;
  bool truncated = false;
  bool ok() const { return code == 0; }
};

class Agent {
 public:
  // `loop` outlives the object. Nothing is sent before Connect: an agent that starts must not be
  // woken while the boot is timed.
  Agent(EventLoop& loop, Fd socket);

  // Waits until an agent answers, asking again every few seconds.
  Outcome<void> Connect(Deadline deadline);

  // Runs a program to its end and gives its exit and output. An exit code other than 0 is no error.
  // At the deadline the program is left to itself: the guest is lost for measurements then.
  Outcome<GuestExit> Run(const GuestCommand& command, Deadline deadline);
  // /bin/sh -c `script`; an exit code other than 0 is an error with the last line of its output.
  Outcome<std::string> RunScript(const std::string& script, Deadline deadline);

  Outcome<void> WriteFile(const std::string& path, const std::string& bytes, Deadline deadline);
  // An error when the file is larger than `max_bytes`.
  Outcome<std::string> ReadFile(const std::string& path, size_t max_bytes, Deadline deadline);

  // Asks the guest to power off. There is no reply to a success, so none is waited for.
  void RequestPowerOff();

  // One agent command; the "return" member of its reply.
  Outcome<nlohmann::json> Execute(const std::string& command, const nlohmann::json& arguments,
                                  Deadline deadline);

 private:
  void OnLine(std::string_view line);
  Outcome<nlohmann::json> AwaitReply(const std::string& command, Deadline deadline);
  void SendCommand(const std::string& command, const nlohmann::json& arguments);

  EventLoop& loop_;
  bool in_sync_ = false;
  int64_t sync_id_;
  bool sync_pending_ = false;            // replies up to the delimiter belong to a lost exchange
  std::optional<nlohmann::json> reply_;  // the next one after the last command
  LineChannel channel_;
};

}  // namespace blendbench
