// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "harness/guest/agent.h"
#include "harness/guest/hostile.h"
#include "harness/tests/guest_fakes.h"

namespace blendbench {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Reads the request for a sync and answers it as the real agent does.
void AnswerSync(FakePeer::Line& line, const std::string& before = "") {
  std::string request = line.Read();
  ASSERT_FALSE(request.empty());
  EXPECT_EQ(request[0], '\xFF');
  const json message = json::parse(request.substr(1));
  EXPECT_EQ(message["execute"], "guest-sync-delimited");
  line.Write(before + '\xFF' + json{{"return", message["arguments"]["id"]}}.dump() + "\n");
}

json Request(FakePeer::Line& line) {
  const std::string text = line.Read();
  return text.empty() ? json() : json::parse(text);
}

void Return(FakePeer::Line& line, const json& value) {
  line.Write(json{{"return", value}}.dump() + "\n");
}

struct Conversation {
  explicit Conversation(std::function<void(FakePeer::Line&)> script)
      : peer(std::move(script)), loop(nullptr), agent(loop, peer.Take()) {}
  FakePeer peer;
  EventLoop loop;
  Agent agent;
};

TEST(Agent, FindsTheThreadBehindLeftovers) {
  Conversation talk([](FakePeer::Line& line) {
    AnswerSync(line, "half a li{ne\n{\"return\": 7}\n\x01\x02");
    EXPECT_EQ(Request(line)["execute"], "guest-ping");
    Return(line, json::object());
    line.Read();
  });
  ASSERT_TRUE(talk.agent.Connect(Deadline::After(5)));
  EXPECT_TRUE(talk.agent.Execute("guest-ping", {}, Deadline::After(5)));
}

TEST(Agent, AsksAgainUntilTheAgentIsUp) {
  Conversation talk([](FakePeer::Line& line) {
    line.Read();  // lost: nobody listens yet
    AnswerSync(line);
    line.Read();
  });
  Outcome<void> connected = talk.agent.Connect(Deadline::After(20));
  EXPECT_TRUE(connected) << connected.error();
}

TEST(Agent, ASyncWithAnotherNumberIsNotOurs) {
  Conversation talk([](FakePeer::Line& line) {
    line.Read();
    line.Write("\xFF{\"return\": 5}\n");
    line.Read();
  });
  EXPECT_FALSE(talk.agent.Connect(Deadline::After(0.2)));
}

TEST(Agent, RunsAProgramToItsEnd) {
  Conversation talk([](FakePeer::Line& line) {
    AnswerSync(line);
    const json exec = Request(line);
    EXPECT_EQ(exec["execute"], "guest-exec");
    EXPECT_EQ(exec["arguments"]["path"], "/usr/bin/fio");
    EXPECT_EQ(exec["arguments"]["arg"], json({"--version"}));
    EXPECT_EQ(exec["arguments"]["env"], json({"LC_ALL=C"}));
    Return(line, {{"pid", 42}});
    Request(line);
    Return(line, {{"exited", false}});
    EXPECT_EQ(Request(line)["arguments"]["pid"], 42);
    Return(line, {{"exited", true},
                  {"exitcode", 3},
                  {"out-data", Base64Encode("fio-3.33\n")},
                  {"err-data", Base64Encode(std::string("\0\xff", 2))}});
    line.Read();
  });
  Outcome<GuestExit> exit = talk.agent.Run(
      {.path = "/usr/bin/fio", .arguments = {"--version"}, .environment = {{"LC_ALL", "C"}}},
      Deadline::After(5));
  ASSERT_TRUE(exit) << exit.error();
  EXPECT_EQ(exit->code, 3);
  EXPECT_EQ(exit->out, "fio-3.33\n");
  EXPECT_EQ(exit->err, std::string("\0\xff", 2));
}

TEST(Agent, AScriptThatFailsQuotesItsLastLine) {
  Conversation talk([](FakePeer::Line& line) {
    AnswerSync(line);
    Request(line);
    Return(line, {{"pid", 1}});
    Request(line);
    Return(line, {{"exited", true},
                  {"exitcode", 2},
                  {"err-data", Base64Encode("first\n\x1b[1mno such file\x1b[0m\n\n")}});
    line.Read();
  });
  Outcome<std::string> out = talk.agent.RunScript("cat x", Deadline::After(5));
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error(), HasSubstr("exit code 2: no such file"));
}

TEST(Agent, AProgramThatNeverEndsTimesOut) {
  Conversation talk([](FakePeer::Line& line) {
    AnswerSync(line);
    Request(line);
    Return(line, {{"pid", 1}});
    while (!line.Read().empty()) Return(line, {{"exited", false}});
  });
  Outcome<GuestExit> exit = talk.agent.Run({.path = "/bin/sleep"}, Deadline::After(0.4));
  ASSERT_FALSE(exit);
  EXPECT_THAT(exit.error(), HasSubstr("timed out"));
}

TEST(Agent, AfterALostReplyItSynchronisesAnew) {
  Conversation talk([](FakePeer::Line& line) {
    AnswerSync(line);
    Request(line);  // swallowed for now
    std::string sync = line.Read();
    EXPECT_EQ(sync[0], '\xFF');
    Return(line, "late");
    const json message = json::parse(sync.substr(1));
    line.Write("\xFF" + json{{"return", message["arguments"]["id"]}}.dump() + "\n");
    Request(line);
    Return(line, "right");
    line.Read();
  });
  ASSERT_TRUE(talk.agent.Connect(Deadline::After(5)));
  EXPECT_FALSE(talk.agent.Execute("guest-info", {}, Deadline::After(0.1)));
  Outcome<json> reply = talk.agent.Execute("guest-ping", {}, Deadline::After(5));
  ASSERT_TRUE(reply) << reply.error();
  EXPECT_EQ(*reply, "right");
}

struct HostileReply {
  const char* name;
  std::vector<std::string> replies;  // to guest-exec, then to guest-exec-status
};

class HostileAgent : public testing::TestWithParam<HostileReply> {};

TEST_P(HostileAgent, IsAnErrorAndNothingWorse) {
  Conversation talk([](FakePeer::Line& line) {
    AnswerSync(line);
    for (const std::string& reply : GetParam().replies) {
      line.Read();
      line.Write(reply + "\n");
    }
    line.Read();
  });
  Outcome<GuestExit> exit = talk.agent.Run({.path = "/bin/true"}, Deadline::After(0.6));
  ASSERT_FALSE(exit);
  EXPECT_FALSE(exit.error().empty());
  EXPECT_LT(exit.error().size(), 700u);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, HostileAgent,
    testing::Values(
        HostileReply{"NoPid", {R"({"return": {}})"}},
        HostileReply{"PidOfText", {R"({"return": {"pid": "1"}})"}},
        HostileReply{"PidTooLarge", {R"({"return": {"pid": 18446744073709551615}})"}},
        HostileReply{"ReturnNull", {R"({"return": null})"}},
        HostileReply{"List", {R"([{"pid": 1}])"}}, HostileReply{"Nothing", {}},
        HostileReply{"Deep", {std::string(1 << 20, '[')}},
        HostileReply{"DeepObjects",
                     {"{\"return\": " + std::string(5000, '[') + std::string(5000, ']') + "}"}},
        HostileReply{"EndlessLine", {std::string(30 << 20, 'a')}},
        HostileReply{"LongError", {R"({"error": {"desc": ")" + std::string(1 << 20, 'e') + "\"}}"}},
        HostileReply{"ErrorOfText", {R"({"error": "no"})"}},
        HostileReply{"NoExited", {R"({"return": {"pid": 1}})", R"({"return": {"exitcode": 0}})"}},
        HostileReply{"OutputNotBase64",
                     {R"({"return": {"pid": 1}})",
                      R"({"return": {"exited": true, "exitcode": 0, "out-data": "%%%="}})"}},
        HostileReply{"OutputOfNumbers",
                     {R"({"return": {"pid": 1}})",
                      R"({"return": {"exited": true, "exitcode": 0, "out-data": 5}})"}}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(Agent, WritesAFileInChunks) {
  const std::string content(100'000, 'z');
  Conversation talk([&content](FakePeer::Line& line) {
    AnswerSync(line);
    const json open = Request(line);
    EXPECT_EQ(open["execute"], "guest-file-open");
    EXPECT_EQ(open["arguments"], json({{"path", "/run/job.fio"}, {"mode", "w"}}));
    Return(line, 1000);
    std::string got;
    json request = Request(line);
    bool first = true;
    for (; request["execute"] == "guest-file-write"; request = Request(line)) {
      std::string chunk = *Base64Decode(request["arguments"]["buf-b64"].get<std::string>());
      if (first) chunk.resize(10);  // a short write
      first = false;
      got += chunk;
      Return(line, {{"count", chunk.size()}, {"eof", false}});
    }
    EXPECT_EQ(got, content);
    EXPECT_EQ(request["execute"], "guest-file-close");
    Return(line, json::object());
    line.Read();
  });
  Outcome<void> written = talk.agent.WriteFile("/run/job.fio", content, Deadline::After(10));
  EXPECT_TRUE(written) << written.error();
}

TEST(Agent, AWriteThatTakesNothingIsAnError) {
  Conversation talk([](FakePeer::Line& line) {
    AnswerSync(line);
    Request(line);
    Return(line, 1);
    Request(line);
    Return(line, {{"count", 0}});
    line.Read();
  });
  EXPECT_FALSE(talk.agent.WriteFile("/run/x", "abc", Deadline::After(5)));
}

TEST(Agent, AFileWithoutEndIsCutOff) {
  Conversation talk([](FakePeer::Line& line) {
    AnswerSync(line);
    Request(line);
    Return(line, 1);
    const std::string chunk = Base64Encode(std::string(30000, 'x'));
    while (!line.Read().empty())
      Return(line, {{"count", 30000}, {"buf-b64", chunk}, {"eof", false}});
  });
  Outcome<std::string> content = talk.agent.ReadFile("/dev/zero", 100'000, Deadline::After(10));
  ASSERT_FALSE(content);
  EXPECT_THAT(content.error(), HasSubstr("larger than"));
}

TEST(Base64, RoundTripsEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(Base64Encode("Ma"), "TWE=");
  EXPECT_FALSE(Base64Decode("TWE"));
  EXPECT_FALSE(Base64Decode("T=E="));
  EXPECT_FALSE(Base64Decode("TW\nE"));
}

}  // namespace
}  // namespace blendbench
