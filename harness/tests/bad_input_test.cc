// SPDX-License-Identifier: MIT
// Bad specs, damaged samples, damaged databases, hostile text: each gives one clear line with a remedy, and nothing is lost.
#include <gmock/gmock.h>

#include <random>

#include "harness/base/json_text.h"
#include "harness/tests/cli_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class BadInput : public CliTest {
 protected:
  fs::path Samples(const std::string& id) const { return fs::path(Runs()) / id / "samples.jsonl"; }
  void Overwrite(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }
  // Fit for a terminal: no control character but the newlines that end lines.
  static void ExpectClean(const std::string& text) {
    for (const char c : text)
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n') << int{c};
  }
};

// --- specs ---

TEST_F(BadInput, SpecsAreRefusedInOneLineThatNamesFileLineAndRemedy) {
  const std::string head = "name = \"t\"\nblocks = 1\n";
  const std::vector<std::pair<std::string, const char*>> specs = {
      {"", "needs"},
      {std::string("name = \"a\0b\"", 12), ".toml:"},
      {"name = \"\x1b[31mred\"\n", ".toml:"},
      {"\"\\u001b[2J\" = 1\n", "unknown key"},
      {"name = \"\xff\xfe\"\n", "not valid TOML"},
      {"name = \"t\"\nblocks = 1e999\n", "not valid TOML"},
      {"name = \"t\"\nblocks = nan\n", "blocks"},
      {"name = \"t\"\nblocks = 99999999999999999999\n", "not valid TOML"},
      {"name = \"t\"\nblocks = 2000000000\n", "blocks"},
      {"name = \"t\"\nblocks = -3\n", "blocks"},
      {"name = \"t\"\nblocks = \"many\"\n", "blocks"},
      {"name = 5\n", "name"},
      {"name = \"t\"\nname = \"u\"\n", "not valid TOML"},
      {head + "[[arm]]\nid = \"../../etc\"\nlayout = \"coarse\"\nreference = true\n", "id"},
      {head + "[[arm]]\nid = \"<script>\"\nlayout = \"coarse\"\nreference = true\n", "id"},
      {head + "x = " + std::string(5000, '[') + std::string(5000, ']') + "\n", "not valid TOML"},
      {std::string(1'000'000, 'a'), "not valid TOML"},
      {std::string(4096, '\0'), "not valid TOML"}};
  for (size_t i = 0; i < specs.size(); ++i) {
    const std::string file = Write("spec" + std::to_string(i) + ".toml", specs[i].first);
    const Called result = CallBlendbench({"plan", file, "--out", Runs()});
    EXPECT_EQ(result.status, 2) << i << ": " << result.err;
    EXPECT_EQ(result.out, "") << i;
    ExpectOneLine(result.err);
    ExpectClean(result.err);
    EXPECT_THAT(result.err, HasSubstr("spec" + std::to_string(i) + ".toml")) << i;
    EXPECT_THAT(result.err, HasSubstr(specs[i].second)) << i;
    EXPECT_LT(result.err.size(), 600u) << i;
  }
}

TEST_F(BadInput, ADamagedSpecIsAPlanOrOneLine) {
  std::mt19937 random(11);
  for (const char* profile : {"smoke", "host-quick"}) {
    const std::string good = Profile(profile);
    for (int i = 0; i < 150; ++i) {
      std::string bad = good;
      for (unsigned change = 0; change <= random() % 3; ++change) {
        const size_t at = random() % bad.size();
        if (random() % 3 == 0) {
          bad.erase(at, random() % 40);
        } else {
          bad[at] = static_cast<char>(random() % 256);
        }
      }
      const Called result =
          CallBlendbench({"plan", Write("damaged.toml", bad), "--out", Runs(), "--sd", "3"});
      EXPECT_THAT(result.status, testing::AnyOf(0, 2)) << result.err << "\n" << bad;
      if (result.status == 2) ExpectOneLine(result.err);
      ExpectClean(result.err + result.out);
    }
  }
}

// --- samples ---

TEST_F(BadInput, DamagedLinesAreNamedAndTheOthersKept) {
  MakeJudgedRun("r", 6, 1.0);
  const std::string whole = *ReadFile(Samples("r"));
  const std::string line = whole.substr(0, whole.find('\n'));
  auto with = [&](const char* member, const std::string& value) {
    json sample = json::parse(line);
    std::string text = sample.dump();
    const std::string name = std::string("\"") + member + "\":";
    const size_t at = text.find(name) + name.size();
    return text.substr(0, at) + value + text.substr(text.find_first_of(",}", at));
  };
  const std::vector<std::string> damaged = {std::string(line.size(), '\0'),
                                            line.substr(0, line.size() / 2),
                                            with("boot.total_s", "NaN"),
                                            with("boot.total_s", "-Infinity"),
                                            with("boot.total_s", "1e999"),
                                            with("boot.total_s", "\"fast\""),
                                            with("boot.total_s", "null"),
                                            with("block", "1e30"),
                                            with("block", "-1"),
                                            with("block", "99999999999999999999999"),
                                            with("block", "0.5"),
                                            with("duration_s", "true"),
                                            with("schema", "2"),
                                            with("status", "\"fine\""),
                                            with("arm", "7"),
                                            "[]",
                                            "7",
                                            "\"text\"",
                                            "null",
                                            "{}",
                                            std::string(300'000, '[') + std::string(300'000, ']'),
                                            "{\"a\":" + std::string(100'000, '{'),
                                            std::string(2'000'000, 'x'),
                                            "\xff\xfe\xfd",
                                            "<html><script>alert(1)</script>"};
  for (const std::string& bad : damaged) {
    Overwrite(Samples("r"), whole.substr(line.size() + 1) + bad + "\n");
    const Called show = CallBlendbench({"show", "r", "--out", Runs(), "--json"});
    ASSERT_EQ(show.status, 0) << bad.substr(0, 100) << show.err;
    const json answer = json::parse(show.out);
    EXPECT_EQ(answer["samples"], 29) << bad.substr(0, 100);
    EXPECT_EQ(answer["warnings"][0]["kind"], "damaged-line") << bad.substr(0, 100);
    EXPECT_THAT(answer["warnings"][0]["subject"], HasSubstr("samples.jsonl:30"));
    EXPECT_LT(answer["warnings"][0]["text"].get<std::string>().size(), 200u);
    ExpectClean(CallBlendbench({"show", "r", "--out", Runs()}).err);
  }
}

TEST_F(BadInput, AFlippedBitCostsAtMostItsOwnLineAndNoByteIsLost) {
  MakeJudgedRun("r", 3, 1.0);
  const std::string whole = *ReadFile(Samples("r"));
  const auto lines = std::count(whole.begin(), whole.end(), '\n');
  std::mt19937 random(5);
  for (int i = 0; i < 200; ++i) {
    std::string bad = whole;
    bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    Overwrite(Samples("r"), bad);
    fs::remove(fs::path(Runs()) / "r" / "samples.corrupt");
    auto reading = RunFolder::OpenForReading(fs::path(Runs()) / "r");
    ASSERT_TRUE(reading) << reading.error().message;
    EXPECT_EQ(*ReadFile(Samples("r")), bad);  // looking changes nothing
    // A newline that is gone joins two lines, and one that is new parts one: two samples at most.
    EXPECT_GE(reading->samples().size() + 2, static_cast<size_t>(lines)) << i;
    auto writing = RunFolder::OpenForWriting(fs::path(Runs()) / "r");
    ASSERT_TRUE(writing) << writing.error().message;
    const std::string kept = *ReadFile(Samples("r"));
    const std::string aside = fs::exists(fs::path(Runs()) / "r" / "samples.corrupt")
                                  ? *ReadFile(fs::path(Runs()) / "r" / "samples.corrupt")
                                  : "";
    // Every byte is still in the file, or, of a torn last line, in samples.corrupt.
    const std::string tail = bad.substr(std::min(bad.size(), kept.size()));
    EXPECT_TRUE(kept.rfind(bad.substr(0, kept.size()), 0) == 0 || kept == bad + "\n") << i;
    EXPECT_NE(aside.find(tail), std::string::npos) << i;
    EXPECT_EQ(writing->samples().size() + writing->PendingSteps().size(), 15u);
  }
}

TEST_F(BadInput, DamagedPlansNameTheFileAndTheRemedy) {
  MakeJudgedRun("r", 3, 1.0);
  const fs::path file = fs::path(Runs()) / "r" / "plan.json";
  const std::string good = *ReadFile(file);
  json endless = json::parse(good), negative = endless, typed = endless;
  endless["experiment"]["blocks"] = 2'000'000'000;
  negative["experiment"]["blocks"] = -1;
  typed["steps"] = "all";
  for (const std::string& bad :
       {std::string(), good.substr(0, good.size() / 2), std::string(100, '\0'), std::string("{}"),
        endless.dump(), negative.dump(), typed.dump(), std::string(200'000, '[')}) {
    Overwrite(file, bad);
    for (const char* command : {"show", "verdict", "export", "archive"}) {
      const Called result = CallBlendbench({command, "r", "--out", Runs()});
      EXPECT_EQ(result.status, 3) << command << result.err;
      ExpectOneLine(result.err);
      EXPECT_THAT(result.err, HasSubstr("plan.json"));
      EXPECT_THAT(result.err, HasSubstr("restore the file from a copy"));
    }
  }
}

// --- the database ---

TEST_F(BadInput, ATruncatedOrFlippedDatabaseIsBuiltAnew) {
  MakeJudgedRun("first", 3, 1.0);
  MakeJudgedRun("second", 2, 1.1);
  const std::vector<std::string> list = {"list", "--out", Runs(), "--json"};
  const json good = json::parse(CallBlendbench(list).out)["runs"];
  ASSERT_EQ(good.size(), 2u);
  const fs::path file = fs::path(Runs()) / "blendbench.sqlite";
  auto settle = [&] {  // one file, nothing in its journal
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(file.string() + suffix);
  };
  settle();
  const std::string whole = *ReadFile(file);
  const std::string samples = *ReadFile(Samples("first"));
  std::mt19937 random(3);
  for (int i = 0; i < 60; ++i) {
    std::string bad = whole;
    if (i % 2 == 0) {
      bad.resize(random() % bad.size());
    } else {
      for (int flip = 0; flip < 20; ++flip)
        bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    }
    settle();
    Overwrite(file, bad);
    const Called result = CallBlendbench(list);
    ASSERT_EQ(result.status, 0) << i << ": " << result.err;
    EXPECT_EQ(json::parse(result.out)["runs"], good) << i;
    EXPECT_EQ(*ReadFile(Samples("first")), samples);
  }
}

// --- text that came from a guest ---

TEST_F(BadInput, HostileTextSteersNoTerminal) {
  MakeRun("r", 4, false);
  const std::string evil =
      "\x1b]0;title\a\x1b[2J<script>alert(1)</script>\r\n\x07\x9b"
      "31m";
  {
    auto run = RunFolder::OpenForWriting(fs::path(Runs()) / "r");
    const Step step = run->PendingSteps().front();
    Sample sample = FailedSample(step.block, step.order, step.arm);
    sample.failure = Failure{evil, evil, evil, "../../" + evil};
    sample.promises = {{evil, false, evil}};
    ASSERT_TRUE(run->Append(sample));
  }
  for (const char* command : {"show", "verdict"}) {
    const Called result = CallBlendbench({command, "r", "--out", Runs()});
    EXPECT_EQ(result.status, 0) << result.err;
    ExpectClean(result.out + result.err);
  }
  ExpectClean(CallBlendbench({"explain", "r", "function-reached", "--out", Runs()}).out);
  EXPECT_TRUE(json::accept(CallBlendbench({"export", "r", "--out", Runs()}).out));
}

TEST(JsonText, DepthIsBounded) {
  EXPECT_TRUE(ParseJson(std::string(kJsonDepth, '[') + std::string(kJsonDepth, ']')));
  EXPECT_FALSE(ParseJson(std::string(kJsonDepth + 1, '[') + std::string(kJsonDepth + 1, ']')));
  EXPECT_TRUE(ParseJson("\"" + std::string(500, '[') + "\""));  // brackets in a string are text
  EXPECT_FALSE(ParseJson("{\"a\": 1e999}"));
  EXPECT_EQ(ParseJson("{\"a\": \x01}").error().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace blendbench
