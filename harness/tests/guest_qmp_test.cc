// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "harness/guest/qmp.h"
#include "harness/tests/guest_fakes.h"

namespace blendbench {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr char kGreeting[] =
    R"({"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}}, "capabilities": []}})"
    "\r\n";

std::string Reply(const std::string& request, const json& value) {
  return json{{"return", value}, {"id", json::parse(request)["id"]}}.dump() + "\r\n";
}

struct Conversation {
  explicit Conversation(std::function<void(FakePeer::Line&)> script)
      : peer(std::move(script)),
        loop(nullptr),
        qmp(loop, peer.Take(), [this](const QmpEvent& event) { events.push_back(event); }) {}
  FakePeer peer;
  EventLoop loop;
  std::vector<QmpEvent> events;
  Qmp qmp;
};

TEST(Qmp, NegotiatesAndReadsTheVersion) {
  Conversation talk([](FakePeer::Line& line) {
    line.Write(kGreeting);
    const std::string request = line.Read();
    EXPECT_EQ(json::parse(request)["execute"], "qmp_capabilities");
    line.Write(Reply(request, json::object()));
    line.Read();
  });
  ASSERT_TRUE(talk.qmp.Negotiate(Deadline::After(5)));
  EXPECT_EQ(talk.qmp.qemu_version(), "10.0.2");
}

TEST(Qmp, EventsArriveWhileACommandWaits) {
  Conversation talk([](FakePeer::Line& line) {
    const std::string request = line.Read();
    line.Write(R"({"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}})"
               "\n");
    line.Write(Reply(request, {{"running", false}}));
    line.Read();
  });
  Outcome<json> reply = talk.qmp.Execute("query-status", {}, Deadline::After(5));
  ASSERT_TRUE(reply) << reply.error();
  EXPECT_EQ((*reply)["running"], false);
  ASSERT_EQ(talk.events.size(), 1u);
  EXPECT_EQ(talk.events[0].name, "SHUTDOWN");
  EXPECT_EQ(talk.events[0].data["reason"], "guest-shutdown");
}

TEST(Qmp, AnErrorIsToldInOneCleanLine) {
  Conversation talk([](FakePeer::Line& line) {
    const json request = json::parse(line.Read());
    line.Write(json{{"error", {{"class", "GenericError"}, {"desc", "no\x1b[31m such\x07 device"}}},
                    {"id", request["id"]}}
                   .dump() +
               "\n");
    line.Read();
  });
  Outcome<json> reply = talk.qmp.Execute("device_del", {{"id", "x"}}, Deadline::After(5));
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error(), HasSubstr("no such device"));
}

TEST(Qmp, GarbageBeforeTheReplyIsSkipped) {
  Conversation talk([](FakePeer::Line& line) {
    const std::string request = line.Read();
    line.Write("not json\n");
    line.Write("\xff\xfe{\"return\": 1}\n");
    line.Write("{\"return\": \"\xc3\x28\"}\n");             // invalid UTF-8
    line.Write(std::string(100000, '[') + "\n");            // deep nesting
    line.Write("{\"return\": 1e999, \"id\": 1}\n");         // a number out of range
    line.Write("{\"return\": {}, \"id\": 99}\n");           // not ours
    line.Write("{\"return\": {}, \"id\": {\"a\": []}}\n");  // an id of another type
    line.Write("[]\n\n{}\n");
    line.Write(std::string(5 << 20, 'x') + "\n");  // longer than a line may be
    line.Write(Reply(request, "good"));
    line.Read();
  });
  Outcome<json> reply = talk.qmp.Execute("query-name", {}, Deadline::After(10));
  ASSERT_TRUE(reply) << reply.error();
  EXPECT_EQ(*reply, "good");
}

TEST(Qmp, ASilentPeerTimesOut) {
  Conversation talk([](FakePeer::Line& line) {
    line.Read();
    line.Read();
  });
  const int64_t from_ns = MonotonicNs();
  Outcome<json> reply = talk.qmp.Execute("query-status", {}, Deadline::After(0.1));
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error(), HasSubstr("timed out"));
  EXPECT_LT(SecondsBetween(from_ns, MonotonicNs()), 3);
}

TEST(Qmp, AReplyThatComesTooLateIsNotTakenForTheNext) {
  Conversation talk([](FakePeer::Line& line) {
    const std::string first = line.Read();
    const std::string second = line.Read();
    line.Write(Reply(first, "late"));
    line.Write(Reply(second, "right"));
    line.Read();
  });
  EXPECT_FALSE(talk.qmp.Execute("one", {}, Deadline::After(0.1)));
  Outcome<json> reply = talk.qmp.Execute("two", {}, Deadline::After(5));
  ASSERT_TRUE(reply) << reply.error();
  EXPECT_EQ(*reply, "right");
}

TEST(Qmp, AClosedSocketEndsTheWaitAtOnce) {
  Conversation talk([](FakePeer::Line& line) { line.Write(kGreeting); });
  talk.peer.HangUp();
  const int64_t from_ns = MonotonicNs();
  Outcome<void> ready = talk.qmp.Negotiate(Deadline::After(30));
  ASSERT_FALSE(ready);
  EXPECT_LT(SecondsBetween(from_ns, MonotonicNs()), 5);
}

TEST(Qmp, AFloodDoesNotOutrunTheDeadline) {
  Conversation talk([](FakePeer::Line& line) {
    line.Read();
    const std::string event = R"({"event": "NOISE"})"
                              "\n";
    std::string many;
    for (int i = 0; i < 1000; ++i) many += event;
    for (int i = 0; i < 2000; ++i) line.Write(many);
  });
  const int64_t from_ns = MonotonicNs();
  EXPECT_FALSE(talk.qmp.Execute("query-status", {}, Deadline::After(0.2)));
  EXPECT_LT(SecondsBetween(from_ns, MonotonicNs()), 5);
}

TEST(Qmp, AnInterruptEndsTheWait) {
  FakePeer peer([](FakePeer::Line& line) {
    line.Read();
    line.Read();
  });
  Interrupt interrupt;
  EventLoop loop(&interrupt);
  Qmp qmp(loop, peer.Take(), [](const QmpEvent&) {});
  interrupt.Raise(2);
  Outcome<json> reply = qmp.Execute("query-status", {}, Deadline::After(30));
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error(), HasSubstr("interrupted"));
}

}  // namespace
}  // namespace blendbench
