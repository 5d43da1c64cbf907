// SPDX-License-Identifier: MIT
#include "harness/guest/agent.h"

#include <algorithm>

#include "harness/base/text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

// The agent itself caps a program's output at 16 MiB, base64 makes 22 of it; ours are far smaller.
constexpr size_t kMaxLineBytes = 24 << 20;
constexpr size_t kMaxErrorBytes = 500;
constexpr size_t kFileChunkBytes = 48 * 1024;
constexpr double kSyncRetryS = 3;
constexpr double kFirstPollS = 0.03;
constexpr char kDelimiter = '\xFF';

Outcome<std::string> DecodeMember(const nlohmann::json& reply, const char* key) {
  const nlohmann::json& value = Member(reply, key);
  if (value.is_null()) return std::string();
  std::optional<std::string> bytes;
  if (value.is_string()) bytes = Base64Decode(value.get_ref<const std::string&>());
  if (!bytes) return Unexpected(std::string("guest agent: ") + key + " is not base64");
  return std::move(*bytes);
}

}  // namespace

Agent::Agent(EventLoop& loop, Fd socket)
    : loop_(loop),
      sync_id_(MonotonicNs() & 0x3FFFFFFF),  // unlike any an earlier conversation may have used
      channel_(loop, std::move(socket), kMaxLineBytes,
               [this](std::string_view line) { OnLine(line); }) {}

void Agent::OnLine(std::string_view line) {
  if (sync_pending_) {
    const size_t delimiter = line.rfind(kDelimiter);
    if (delimiter == std::string_view::npos) return;  // left over from before
    line.remove_prefix(delimiter + 1);
    std::optional<nlohmann::json> message = ParseHostileJson(line);
    if (!message || IntMember(*message, "return") != sync_id_) return;
    sync_pending_ = false;
    in_sync_ = true;
    return;
  }
  if (reply_) return;  // unasked for
  if (std::optional<nlohmann::json> message = ParseHostileJson(line);
      message && message->is_object())
    reply_ = std::move(message);
}

void Agent::SendCommand(const std::string& command, const nlohmann::json& arguments) {
  nlohmann::json request{{"execute", command}};
  if (!arguments.empty()) request["arguments"] = arguments;
  reply_.reset();
  channel_.Send(request.dump() + "\n");
}

Outcome<void> Agent::Connect(Deadline deadline) {
  in_sync_ = false;
  while (true) {
    sync_pending_ = true;
    ++sync_id_;
    // The byte ends whatever the agent's parser was in the middle of.
    channel_.Send(std::string(1, kDelimiter));
    SendCommand("guest-sync-delimited", {{"id", sync_id_}});
    const Wait wait = loop_.RunUntil([this] { return in_sync_ || channel_.closed(); },
                                     deadline.Within(kSyncRetryS));
    if (in_sync_) return {};
    if (channel_.closed()) return Unexpected("guest agent: its port has closed");
    if (wait != Wait::kTimeout || deadline.passed())
      return Unexpected(std::string("guest agent: no answer: ") + WaitText(wait));
  }
}

Outcome<nlohmann::json> Agent::AwaitReply(const std::string& command, Deadline deadline) {
  const Wait wait =
      loop_.RunUntil([this] { return reply_.has_value() || channel_.closed(); }, deadline);
  if (!reply_) {
    in_sync_ = false;
    return Unexpected("guest agent: " + command + ": " +
                      (channel_.closed() ? "its port has closed" : WaitText(wait)));
  }
  if (const nlohmann::json& error = Member(*reply_, "error"); !error.is_null()) {
    const std::string said = CleanText(StringMember(error, "desc").value_or("error without text"));
    return Unexpected("guest agent: " + command + ": " + Truncate(said, kMaxErrorBytes));
  }
  return Member(*reply_, "return");
}

Outcome<nlohmann::json> Agent::Execute(const std::string& command, const nlohmann::json& arguments,
                                       Deadline deadline) {
  if (!in_sync_)
    if (Outcome<void> connected = Connect(deadline); !connected)
      return Unexpected(connected.error());
  SendCommand(command, arguments);
  return AwaitReply(command, deadline);
}

Outcome<GuestExit> Agent::Run(const GuestCommand& command, Deadline deadline) {
  nlohmann::json arguments{{"path", command.path}, {"capture-output", true}};
  if (!command.arguments.empty()) arguments["arg"] = command.arguments;
  for (const auto& [name, value] : command.environment)
    arguments["env"].push_back(name + "=" + value);
  Outcome<nlohmann::json> started = Execute("guest-exec", arguments, deadline);
  if (!started) return Unexpected(started.error());
  const std::optional<int64_t> pid = IntMember(*started, "pid");
  if (!pid) return Unexpected("guest agent: guest-exec gave no process number");

  double pause_s = kFirstPollS;
  while (true) {
    const Wait wait =
        loop_.RunUntil([this] { return channel_.closed(); }, deadline.Within(pause_s));
    if (wait != Wait::kTimeout || deadline.passed())
      return Unexpected("guest agent: " + command.path + ": " + WaitText(wait));
    pause_s = std::min(pause_s * 1.6, command.poll_s);
    Outcome<nlohmann::json> state = Execute("guest-exec-status", {{"pid", *pid}}, deadline);
    if (!state) return Unexpected(state.error());
    const std::optional<bool> exited = BoolMember(*state, "exited");
    if (!exited) return Unexpected("guest agent: guest-exec-status without \"exited\"");
    if (!*exited) continue;
    GuestExit exit;
    exit.code = static_cast<int>(IntMember(*state, "exitcode").value_or(-1));
    exit.signal = static_cast<int>(IntMember(*state, "signal").value_or(0));
    exit.truncated = BoolMember(*state, "out-truncated").value_or(false) ||
                     BoolMember(*state, "err-truncated").value_or(false);
    Outcome<std::string> out = DecodeMember(*state, "out-data");
    if (!out) return Unexpected(out.error());
    Outcome<std::string> err = DecodeMember(*state, "err-data");
    if (!err) return Unexpected(err.error());
    exit.out = std::move(*out);
    exit.err = std::move(*err);
    return exit;
  }
}

Outcome<std::string> Agent::RunScript(const std::string& script, Deadline deadline) {
  Outcome<GuestExit> exit = Run({.path = "/bin/sh", .arguments = {"-c", script}}, deadline);
  if (!exit) return Unexpected(exit.error());
  if (exit->ok()) return std::move(exit->out);
  std::string said = LastLine(CleanText(exit->err));
  if (said.empty()) said = LastLine(CleanText(exit->out));
  return Unexpected("in the guest: exit code " + std::to_string(exit->code) + ": " +
                    Truncate(said, kMaxErrorBytes));
}

Outcome<void> Agent::WriteFile(const std::string& path, const std::string& bytes,
                               Deadline deadline) {
  Outcome<nlohmann::json> opened =
      Execute("guest-file-open", {{"path", path}, {"mode", "w"}}, deadline);
  if (!opened) return Unexpected(opened.error());
  const nlohmann::json handle = *opened;
  if (!handle.is_number_integer()) return Unexpected("guest agent: guest-file-open gave no handle");
  for (size_t at = 0; at < bytes.size();) {
    const std::string chunk = bytes.substr(at, kFileChunkBytes);
    Outcome<nlohmann::json> written = Execute(
        "guest-file-write", {{"handle", handle}, {"buf-b64", Base64Encode(chunk)}}, deadline);
    if (!written) return Unexpected(written.error());
    const int64_t count = IntMember(*written, "count").value_or(0);
    if (count <= 0 || count > static_cast<int64_t>(chunk.size()))
      return Unexpected("guest agent: guest-file-write of " + path + " took " +
                        std::to_string(count) + " bytes");
    at += static_cast<size_t>(count);
  }
  Outcome<nlohmann::json> closed = Execute("guest-file-close", {{"handle", handle}}, deadline);
  if (!closed) return Unexpected(closed.error());
  return {};
}

Outcome<std::string> Agent::ReadFile(const std::string& path, size_t max_bytes, Deadline deadline) {
  Outcome<nlohmann::json> opened =
      Execute("guest-file-open", {{"path", path}, {"mode", "r"}}, deadline);
  if (!opened) return Unexpected(opened.error());
  const nlohmann::json handle = *opened;
  if (!handle.is_number_integer()) return Unexpected("guest agent: guest-file-open gave no handle");
  std::string content;
  while (true) {
    Outcome<nlohmann::json> reply =
        Execute("guest-file-read", {{"handle", handle}, {"count", kFileChunkBytes}}, deadline);
    if (!reply) return Unexpected(reply.error());
    Outcome<std::string> chunk = DecodeMember(*reply, "buf-b64");
    if (!chunk) return Unexpected(chunk.error());
    content += *chunk;
    if (content.size() > max_bytes)
      return Unexpected(path + " in the guest is larger than " + std::to_string(max_bytes) +
                        " bytes");
    if (chunk->empty() || BoolMember(*reply, "eof").value_or(false)) break;
  }
  Outcome<nlohmann::json> closed = Execute("guest-file-close", {{"handle", handle}}, deadline);
  if (!closed) return Unexpected(closed.error());
  return content;
}

void Agent::RequestPowerOff() {
  SendCommand("guest-shutdown", {{"mode", "powerdown"}});
  in_sync_ = false;
}

}  // namespace blendbench
