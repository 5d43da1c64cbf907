// SPDX-License-Identifier: MIT
#include "harness/guest/qmp.h"

#include "harness/base/text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr size_t kMaxLineBytes = 4 << 20;
constexpr size_t kMaxErrorBytes = 500;

}  // namespace

Qmp::Qmp(EventLoop& loop, Fd socket, EventHandler on_event)
    : loop_(loop),
      on_event_(std::move(on_event)),
      channel_(loop, std::move(socket), kMaxLineBytes,
               [this](std::string_view line) { OnLine(line); }) {}

void Qmp::OnLine(std::string_view line) {
  std::optional<nlohmann::json> message = ParseHostileJson(line);
  if (!message || !message->is_object()) return;
  if (const nlohmann::json& greeting = Member(*message, "QMP"); greeting.is_object()) {
    const nlohmann::json& version = Member(Member(greeting, "version"), "qemu");
    for (const char* part : {"major", "minor", "micro"}) {
      if (!qemu_version_.empty()) qemu_version_ += '.';
      qemu_version_ += std::to_string(IntMember(version, part).value_or(0));
    }
    greeted_ = true;
  } else if (std::optional<std::string> event = StringMember(*message, "event")) {
    const nlohmann::json& data = Member(*message, "data");
    on_event_({*event, data.is_object() ? data : nlohmann::json::object()});
  } else if (IntMember(*message, "id") == last_id_) {
    reply_ = std::move(*message);
  }
}

Outcome<void> Qmp::Negotiate(Deadline deadline) {
  const Wait wait = loop_.RunUntil([this] { return greeted_ || closed(); }, deadline);
  if (!greeted_)
    return Unexpected(closed() ? "QEMU closed its control socket before greeting"
                               : std::string("waiting for QEMU's greeting: ") + WaitText(wait));
  Outcome<nlohmann::json> reply = Execute("qmp_capabilities", nlohmann::json::object(), deadline);
  if (!reply) return Unexpected(reply.error());
  return {};
}

Outcome<nlohmann::json> Qmp::Execute(const std::string& command, const nlohmann::json& arguments,
                                     Deadline deadline) {
  if (closed()) return Unexpected("QEMU has closed its control socket (" + command + ")");
  reply_.reset();
  nlohmann::json request{{"execute", command}, {"id", ++last_id_}};
  if (!arguments.empty()) request["arguments"] = arguments;
  channel_.Send(request.dump() + "\n");
  const Wait wait = loop_.RunUntil([this] { return reply_.has_value() || closed(); }, deadline);
  if (!reply_)
    return Unexpected("QMP " + command + ": " + (closed() ? "connection closed" : WaitText(wait)));
  if (const nlohmann::json& error = Member(*reply_, "error"); !error.is_null()) {
    const std::string said = CleanText(StringMember(error, "desc").value_or("error without text"));
    return Unexpected("QMP " + command + ": " + Truncate(said, kMaxErrorBytes));
  }
  return Member(*reply_, "return");
}

}  // namespace blendbench
