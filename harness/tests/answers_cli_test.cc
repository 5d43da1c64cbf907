// SPDX-License-Identifier: MIT
// What a script sees: --json of every command in its documented shape, warnings with their remedies, colours.
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "harness/cli/io.h"
#include "harness/tests/cluster_fixture.h"
#include "harness/tests/schema_check.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

class AnswersTest : public ClusterTest {
 protected:
  // A file of Google Benchmark with something before the document.
  std::string ResultsFile() {
    return Write("results.json",
                 "first words\n"
                 R"({"benchmarks": [{"name": "F", "run_type": "iteration", "real_time": 2,
                 "cpu_time": 2, "time_unit": "ms"}]})");
  }
};

TEST_F(AnswersTest, EveryAnswerHasTheDocumentedShape) {
  MakeJudgedRun("r", 6, 1.0);
  MakeJudgedRun("calibrated", 12, 1.0);
  std::ofstream(fs::path(Runs()) / "r" / "samples.jsonl", std::ios::app) << "{\"torn";
  const std::string archive = (folder_.path() / "r.tar.gz").string();
  const std::string baselines = (folder_.path() / "baselines").string();
  const std::string results = ResultsFile();
  const json schema =
      json::parse(*ReadFile(fs::path(BLEND_SOURCE_DIR) / "results/schema/cli.schema.json"));
  std::set<std::string> shown;
  auto expect = [&](const std::vector<std::string>& arguments, int status = 0) {
    const json answer = JsonOf(arguments, status);
    shown.insert(arguments[0]);
    EXPECT_EQ(answer["command"], arguments[0]);
    const json& shape = schema["$defs"][arguments[0]];
    ASSERT_TRUE(shape.is_object()) << arguments[0] << " is not in results/schema/cli.schema.json";
    EXPECT_THAT(SchemaCheck()(answer, shape, schema), IsEmpty()) << Join(arguments, " ");
  };
  expect({"plan", "smoke", "--out", Runs()});
  expect({"show", "r", "--out", Runs()});
  expect({"verdict", "r", "--out", Runs()});
  expect({"explain", "r", "no-negative-effect", "--out", Runs()});
  expect({"list", "--out", Runs()});
  expect({"run", "smoke", "--blocks", "6", "--images", "i", "--out", Runs(), "--run", "r",
          "--resume"});
  expect({"export", "r", "--out", Runs(), "-o", (folder_.path() / "x.json").string()});
  expect({"archive", "r", "--out", Runs(), "--no-page", "-o", archive});
  expect({"verify", archive});
  expect({"completion", "bash"});
  expect({"completion", "--candidates", "runs", "--out", Runs()});
  expect({"doctor", "--out", Runs(), "--qemu", "/nowhere/qemu"}, 3);
  expect({"calibrate", "--from", "calibrated", "--window", "5", "--out", Runs()});
  expect({"verdict", "r", "--out", Runs()});  // with a calibration
  expect({"baseline", "adopt", "base", "r", "--out", Runs(), "--baselines", baselines});
  expect({"baseline", "list", "--baselines", baselines});
  expect({"baseline", "show", "base", "--baselines", baselines});
  expect({"compare", "base", "r", "--out", Runs(), "--baselines", baselines});
  expect({"gate", "r", "--baseline", "base", "--out", Runs(), "--baselines", baselines});
  expect({"gate", "r", "--baseline", "base", "--out", Runs(), "--baselines", baselines, "--arm",
          "nobody"},
         6);
  expect({"history", "--out", Runs()});
  expect({"baseline", "remove", "base", "--baselines", baselines});
  expect({"import", results, "--as", "micro", "--run", "i", "--out", Runs()});
  const std::string elsewhere = (folder_.path() / "elsewhere").string();
  std::string bundle;
  {
    auto run = RunFolder::Create(elsewhere, "c", plan_, "spec", claims_);
    ASSERT_TRUE(run) << run.error().message;
    bundle = BundleOf(*run, "slurm").folder.string();
  }
  expect({"collect", "c", "--out", elsewhere}, 3);
  expect({"block", "0", "--check", "--bundle", bundle});
  // It draws, where there is what it draws with.
  if (std::system("/usr/bin/python3 -c 'import matplotlib, jinja2' >/dev/null 2>&1") == 0)
    expect({"report", "r", "--out", Runs(), "-o", (folder_.path() / "report").string()});
  shown.insert("report");
  const std::string script = CallBlendbench({"completion", "fish"}).out;
  const size_t names = script.find("set -l commands") + 15;
  std::istringstream commands(script.substr(names, script.find('\n', names) - names));
  for (std::string command; commands >> command;)
    EXPECT_EQ(shown.count(command), 1u) << command << " has --json like every command";
}

TEST_F(AnswersTest, WarningsAreValuesWithARemedy) {
  MakeJudgedRun("r", 6, 1.0);
  std::ofstream(fs::path(Runs()) / "r" / "samples.jsonl", std::ios::app) << "{\"torn";
  const json warning = JsonOf({"show", "r", "--out", Runs()})["warnings"].at(0);
  EXPECT_EQ(warning["kind"], "torn-line");
  EXPECT_THAT(warning["subject"], HasSubstr("samples.jsonl:31"));
  EXPECT_THAT(warning["remedy"], HasSubstr("--resume"));
  EXPECT_EQ(CallBlendbench({"show", "r", "--out", Runs(), "--json"}).err, "");  // once is enough
  EXPECT_THAT(CallBlendbench({"show", "r", "--out", Runs()}).err, HasSubstr("warning: "));
  const json told = JsonOf({"history", "--out", Runs()})["warnings"].at(0);
  EXPECT_EQ(told, warning);
  const std::string results = ResultsFile();
  const json passed_over =
      JsonOf({"import", results, "--as", "micro", "--run", "i", "--out", Runs()})["warnings"].at(0);
  EXPECT_EQ(passed_over["kind"], "not-imported");
  EXPECT_EQ(passed_over["subject"], results);
  EXPECT_THAT(passed_over["text"], HasSubstr("first words"));
}

TEST(Colours, OnlyOnATerminalThatMayShowThem) {
  EXPECT_TRUE(WantsColours(true, nullptr, "xterm"));
  EXPECT_TRUE(WantsColours(true, "", "xterm"));
  EXPECT_FALSE(WantsColours(false, nullptr, "xterm"));
  EXPECT_FALSE(WantsColours(true, "1", "xterm"));
  EXPECT_FALSE(WantsColours(true, nullptr, "dumb"));
  EXPECT_FALSE(WantsColours(true, nullptr, nullptr));
}

}  // namespace
}  // namespace blendbench
