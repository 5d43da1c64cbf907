// SPDX-License-Identifier: MIT
// compare, gate, baseline, history and import as a user calls them, on imported results: what is said, and the exit
// status a CI job sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "harness/base/files.h"
#include "harness/store/run_folder.h"
#include "harness/tests/blendbench_for_test.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class TrackingTest : public testing::Test {
 protected:
  int Blendbench(std::vector<std::string> arguments) {
    const Called answer = CallBlendbench(std::move(arguments));
    out_ = answer.out;
    err_ = answer.err;
    return answer.status;
  }
  std::string Runs() const { return (folder_.path() / "runs").string(); }
  std::string Baselines() const { return (folder_.path() / "baselines").string(); }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
    return (folder_.path() / name).string();
  }

  // A Google Benchmark file of six repetitions of two benchmarks.
  std::string Results(const std::string& name, double slow_down) {
    std::normal_distribution<double> noise(1, 0.01);
    json benchmarks = json::array();
    for (int i = 0; i < 6; ++i) {
      for (const char* benchmark : {"BM_Find", "BM_Read"}) {
        const double time =
            100 * noise(random_) * (std::string(benchmark) == "BM_Find" ? slow_down : 1);
        benchmarks.push_back({{"name", benchmark},
                              {"run_name", benchmark},
                              {"run_type", "iteration"},
                              {"repetition_index", i},
                              {"real_time", time},
                              {"cpu_time", time},
                              {"time_unit", "ms"}});
      }
    }
    return Write(name, json{{"context", {{"num_cpus", 2}}}, {"benchmarks", benchmarks}}.dump());
  }
  void Import(const std::string& run, double slow_down) {
    const int status = Blendbench({"import", Results(run + ".json", slow_down), "--as", "micro",
                                   "--arm", "main", "--run", run, "--out", Runs()});
    ASSERT_EQ(status, 0) << err_;
  }
  // Imported runs have the time of their file or of now, which tests must not wait for.
  void MadeAt(const std::string& run, int day) {
    const fs::path path = fs::path(Runs()) / run / "environment.json";
    json environment = json::parse(ReadFile(path).value());
    environment["created"] = "2026-11-" + std::to_string(10 + day) + "T00:00:00Z";
    ASSERT_TRUE(WriteFileAtomic(path, environment.dump()));
  }
  int Gate(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"gate",  run,    "--baseline",  "base",
                                          "--out", Runs(), "--baselines", Baselines()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Blendbench(arguments);
  }
  int Baseline(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "baseline");
    arguments.insert(arguments.end(), {"--baselines", Baselines()});
    if (arguments[1] == "adopt") arguments.insert(arguments.end(), {"--out", Runs()});
    return Blendbench(arguments);
  }

  std::mt19937_64 random_{1};
  TemporaryFolder folder_;
  std::string out_, err_;
};

TEST_F(TrackingTest, TheGateTellsRegressedFromFineAndFromCannotTell) {
  for (const char* run : {"a1", "a2", "a3"}) Import(run, 1);
  ASSERT_EQ(Baseline({"adopt", "base", "a1", "a2", "a3"}), 0) << err_;
  Import("same", 1);
  EXPECT_EQ(Gate("same"), 0) << out_;
  EXPECT_THAT(out_, HasSubstr("passed: same against base (a1, a2, a3)"));
  Import("slow", 1.2);
  EXPECT_EQ(Gate("slow"), 5);
  EXPECT_THAT(out_, HasSubstr("regressed: slow against base"));
  EXPECT_THAT(out_, HasSubstr("BM_Find.real_s of main: 2"));
  EXPECT_THAT(out_, HasSubstr("% more than the baseline [90 %: "));
  EXPECT_EQ(Gate("slow", {"--metric", "BM_Read*"}), 0) << out_;
  EXPECT_EQ(Gate("slow", {"--min-change", "50"}), 0) << out_;
  EXPECT_EQ(Gate("slow", {"--arm", "nobody"}), 6);
  EXPECT_EQ(Gate("same", {"--blind-above", "0.01"}), 6);
  EXPECT_THAT(out_, HasSubstr("cannot tell: same"));
  EXPECT_THAT(out_, HasSubstr("too noisy"));
  EXPECT_EQ(Blendbench({"compare", "base", "slow", "--out", Runs(), "--baselines", Baselines()}),
            0);
  EXPECT_THAT(out_, HasSubstr("regressed"));
}

TEST_F(TrackingTest, BrokeIsNeverTakenForRegressed) {
  Import("a1", 1);
  EXPECT_EQ(Gate("a1"), 2);
  EXPECT_THAT(err_, HasSubstr("there is no baseline of this name"));
  ASSERT_EQ(Baseline({"adopt", "base", "a1"}), 0);
  EXPECT_EQ(Gate("nowhere"), 2);
  EXPECT_EQ(Gate("a1", {"--scale", "diagonal"}), 2);
  std::ofstream(fs::path(Baselines()) / "base/runs/a1/samples.jsonl", std::ios::app) << "{}\n";
  EXPECT_EQ(Gate("a1"), 3);
  EXPECT_THAT(err_, HasSubstr("not the one that was adopted"));
}

TEST_F(TrackingTest, AnUnfinishedRunCannotPass) {
  for (const char* run : {"a1", "same", "slow"}) Import(run, std::string(run) == "slow" ? 1.2 : 1);
  ASSERT_EQ(Baseline({"adopt", "base", "a1"}), 0);
  ASSERT_EQ(Gate("same"), 0);
  for (const char* run : {"same", "slow"}) {
    const fs::path path = fs::path(Runs()) / run / "samples.jsonl";
    const std::string samples = ReadFile(path).value();
    ASSERT_TRUE(
        WriteFileAtomic(path, samples.substr(0, samples.rfind('\n', samples.size() - 2) + 1)));
  }
  EXPECT_EQ(Gate("same"), 6);
  EXPECT_THAT(out_, HasSubstr("same is unfinished: 1 steps to go"));
  EXPECT_EQ(Gate("slow"), 5) << "what is there is worse already";
}

TEST_F(TrackingTest, NotANumberIsNoThreshold) {
  for (const char* run : {"a1", "slow"}) Import(run, std::string(run) == "slow" ? 1.2 : 1);
  ASSERT_EQ(Baseline({"adopt", "base", "a1"}), 0);
  for (const char* option : {"--min-change", "--blind-above", "--alpha"}) {
    for (const char* value : {"nan", "inf", "-1"})
      EXPECT_EQ(Gate("slow", {option, value}), 2) << option;
  }
  EXPECT_EQ(Gate("slow", {"--alpha", "0"}), 2);
}

TEST_F(TrackingTest, AHistoryForOthersIsNoGate) {
  Import("a1", 1);
  for (const char* format : {"otava", "otava-config"}) {
    EXPECT_EQ(Blendbench({"history", "--out", Runs(), "--format", format}), 0);
    EXPECT_EQ(Blendbench({"history", "--out", Runs(), "--format", format, "--gate"}), 2);
  }
}

TEST_F(TrackingTest, ARunIsCalledByAPlainName) {
  const std::string results = Results("g.json", 1);
  for (const char* name :
       {"latest", "lock", "blendbench.sqlite", ".hidden", "a/b", "..", "$(touch x)", "a\nb"}) {
    EXPECT_EQ(Blendbench({"import", results, "--as", "micro", "--run", name, "--out", Runs()}), 2)
        << name;
  }
  EXPECT_FALSE(fs::exists(Runs()));
}

TEST_F(TrackingTest, AnotherMachineIsCannotTellUnlessAsked) {
  Import("a1", 1);
  ASSERT_EQ(Baseline({"adopt", "base", "a1"}), 0);
  Import("b1", 1);
  const fs::path path = fs::path(Runs()) / "b1/environment.json";
  json environment = json::parse(ReadFile(path).value());
  environment["host"]["cores"] = 64;
  ASSERT_TRUE(WriteFileAtomic(path, environment.dump()));
  EXPECT_EQ(Gate("b1"), 6);
  EXPECT_THAT(out_, HasSubstr("cores differs: 2"));
  EXPECT_EQ(Gate("b1", {"--across-machines"}), 0);
  EXPECT_EQ(Baseline({"adopt", "base", "b1", "a1", "--replace"}), 2)
      << "no baseline of two machines";
}

TEST_F(TrackingTest, JsonAndMarkdownSayTheSame) {
  Import("a1", 1);
  Import("slow", 1.3);
  ASSERT_EQ(Baseline({"adopt", "base", "a1", "--note", "first\x1b[31m"}), 0);
  const std::string summary = Write("summary.md", "before\n");
  EXPECT_EQ(Gate("slow", {"--json", "--markdown", summary}), 5);
  EXPECT_EQ(json::parse(out_)["verdict"], "regressed");
  EXPECT_THAT(*ReadFile(summary), HasSubstr("before\n### regressed: slow against base"));
  EXPECT_THAT(*ReadFile(summary), HasSubstr("| regressed | BM\\_Find.real\\_s | main |"));
  EXPECT_EQ(Gate("slow", {"--markdown", folder_.path() / "no" / "file"}), 3);
  EXPECT_EQ(Baseline({"list", "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["baselines"][0]["note"], "first");
  EXPECT_EQ(Baseline({"show", "base"}), 0);
  EXPECT_THAT(out_, HasSubstr("a1: micro on external, 6 blocks, 6 samples, 0 failed"));
  EXPECT_EQ(Baseline({"remove", "base"}), 0);
  EXPECT_EQ(Baseline({"show", "base"}), 2);
}

TEST_F(TrackingTest, HistoryFindsTheRunThatChanged) {
  for (int i = 0; i < 14; ++i) {
    Import("r" + std::to_string(100 + i), i >= 9 ? 1.15 : 1);
    MadeAt("r" + std::to_string(100 + i), i);
  }
  fs::create_directories(fs::path(Runs()) / "broken");
  Write("runs/broken/plan.json", "{");
  EXPECT_EQ(Blendbench({"history", "--out", Runs()}), 0);
  EXPECT_THAT(out_, HasSubstr("BM_Find.real_s of main, micro on external, 2 cores: 14 runs"));
  EXPECT_THAT(out_, HasSubstr("% from r109 on; the run before: r108"));
  EXPECT_THAT(out_, HasSubstr("2 series changed, 2 did not"));
  EXPECT_THAT(err_, HasSubstr("broken/plan.json: not JSON"));
  EXPECT_EQ(Blendbench({"history", "--out", Runs(), "--gate"}), 5);
  EXPECT_EQ(Blendbench({"history", "--out", Runs(), "--gate", "--metric", "BM_Read*"}), 0);
  EXPECT_EQ(Blendbench({"history", "--out", Runs(), "--last", "5"}), 0);
  EXPECT_THAT(out_, HasSubstr("4 have fewer than 6 runs"));
  EXPECT_EQ(Blendbench({"history", "--out", Runs(), "--json"}), 0);
  EXPECT_EQ(json::parse(out_)["series"].size(), 4u);
  EXPECT_EQ(Blendbench({"history", "--out", Runs(), "--format", "otava"}), 0);
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 15);
  EXPECT_EQ(Blendbench({"history", "--out", Runs(), "--experiment", "none"}), 2);
}

TEST_F(TrackingTest, ImportKeepsTheFilesAndLeavesNothingAfterAnError) {
  const std::string good = Results("good one.json", 1);
  ASSERT_EQ(Blendbench({"import", "before=" + good, "after=" + good, "--as", "micro", "--run", "r",
                        "--out", Runs()}),
            0)
      << err_;
  EXPECT_EQ(*ReadFile(fs::path(Runs()) / "r/imported/000-good_one.json"), *ReadFile(good));
  EXPECT_EQ(Blendbench({"export", "r", "--format", "json", "--out", Runs()}), 0);
  EXPECT_EQ(json::parse(out_)["arms"][0]["reference"], true);
  EXPECT_EQ(json::parse(out_)["run"]["stamp"], "imported");
  EXPECT_EQ(Blendbench({"show", "r", "--out", Runs()}), 0);
  EXPECT_EQ(Blendbench({"verdict", "r", "--out", Runs()}), 0);
  EXPECT_EQ(Blendbench({"list", "--out", Runs()}), 0);
  const std::string bad = Write("bad.json", "{\"benchmarks\": [\n{]}");
  EXPECT_EQ(Blendbench({"import", good, bad, "--as", "micro", "--run", "x", "--out", Runs()}), 2);
  EXPECT_THAT(err_, HasSubstr("bad.json:2:2: not JSON"));
  EXPECT_FALSE(fs::exists(fs::path(Runs()) / "x"));
  EXPECT_EQ(Blendbench({"import", good, "--as", "micro", "--run", "../x", "--out", Runs()}), 2);
  EXPECT_EQ(Blendbench({"import", "absent.json", "--as", "micro", "--out", Runs()}), 2);
  EXPECT_EQ(Blendbench({"import", good, "--as", "micro", "--run", "r", "--out", Runs()}), 2)
      << "it exists";
}

TEST_F(TrackingTest, AFailedBenchmarkIsLostNotFaster) {
  Import("a1", 1);
  ASSERT_EQ(Baseline({"adopt", "base", "a1"}), 0);
  json document = json::parse(ReadFile(Results("x.json", 1)).value());
  for (json& entry : document["benchmarks"])
    if (entry["name"] == "BM_Find")
      entry.update({{"error_occurred", true}, {"error_message", "no disk"}});
  const std::string file = Write("x.json", document.dump());
  EXPECT_EQ(
      Blendbench({"import", file, "--as", "micro", "--arm", "main", "--run", "f", "--out", Runs()}),
      4);
  EXPECT_EQ(Gate("f"), 5);
  EXPECT_THAT(out_, HasSubstr("no value any more: 6 of main's samples failed"));
}

}  // namespace
}  // namespace blendbench
