// SPDX-License-Identifier: MIT
// The exports that other tools read: each fits its schema, says the numbers of the samples, and survives odd runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "harness/base/files.h"
#include "harness/export/exchange.h"
#include "harness/export/formats.h"
#include "harness/export/history_json.h"
#include "harness/export/otava.h"
#include "harness/export/regression_text.h"
#include "harness/export/run_json.h"
#include "harness/export/tracked.h"
#include "harness/tests/samples_for_test.h"
#include "harness/tests/schema_check.h"

namespace blendbench {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

json Schema(const std::string& name) {
  const auto path =
      std::filesystem::path(BLEND_SOURCE_DIR) / "results/schema" / (name + ".schema.json");
  return json::parse(ReadFile(path).value());
}

RunRecord MadeUp(int blocks, double slow_down = 1.2) {
  RunRecord record;
  record.id = "run-" + std::to_string(blocks);
  record.plan = MakePlan(SmallExperiment(blocks), "");
  record.environment.created = "2026-11-23T10:00:0" + std::to_string(blocks % 10) + "Z";
  record.environment.substrate = "tcg";
  record.environment.git_commit = "0123abc";
  record.environment.host = {{"cores", 2}, {"cpu", "a processor"}};
  record.samples = SmallSamples(blocks, slow_down);
  for (Sample& sample : record.samples) sample.metrics["setup.clones_s"] = 1;
  return record;
}

std::vector<RunRecord> OddRuns() {
  std::vector<RunRecord> runs = {MadeUp(7), MadeUp(1), MadeUp(2)};
  runs.push_back(MadeUp(3));  // a failed arm
  for (Sample& sample : runs.back().samples)
    if (sample.arm == "fine-blendfs") sample = FailedSample(sample.block, 2, sample.arm);
  runs.push_back(MadeUp(4));  // nothing measured
  runs.back().samples.clear();
  runs.back().environment = Environment();
  runs.push_back(MadeUp(5));  // a zero has no logarithm
  runs.back().samples[0].metrics["boot.total_s"] = 0;
  return runs;
}

TEST(Exchange, EveryFormatFitsItsSchemaWhateverTheRun) {
  for (const RunRecord& run : OddRuns()) {
    const Analysis analysis = *Analyse(run);
    for (const auto& [format, schema] : {std::pair{"json", "run"},
                                         {"googlebenchmark", "googlebenchmark"},
                                         {"bencher", "bencher"},
                                         {"github-action-benchmark", "github-action-benchmark"}}) {
      const json document = json::parse(ExportAs(run, analysis, format));
      EXPECT_THAT(SchemaCheck()(document, Schema(schema)), IsEmpty()) << format << " " << run.id;
    }
  }
}

TEST(Exchange, EveryFormatThatIsNamedIsAnother) {
  const RunRecord run = MadeUp(3);
  std::set<std::string> seen;
  for (const std::string& format : ExportFormats()) {
    const std::string text = ExportAs(run, *Analyse(run), format);
    EXPECT_TRUE(seen.insert(text).second) << format;
    EXPECT_EQ(text.back(), '\n') << format;
  }
}

TEST(Exchange, TheRunsDataAreWhole) {
  const RunRecord run = OddRuns()[3];
  const json document = MakeRunJson(run);
  ASSERT_EQ(document["samples"].size(), run.samples.size());
  EXPECT_EQ(document["samples"][2]["failure"]["reason"], "kernel panic");
  EXPECT_EQ(document["samples"][0]["metrics"], json(run.samples[0].metrics));
  EXPECT_EQ(document["run"]["stamp"], "emulated, indicative");
  for (const json& summary : document["summary"]) EXPECT_NE(summary["arm"], "fine-blendfs");
}

TEST(Exchange, GoogleBenchmarkHasARepetitionABlockAndTimesThatShrinkWhenBetter) {
  const RunRecord run = MadeUp(7);
  const json document = MakeGoogleBenchmark(run);
  int boots = 0;
  for (const json& entry : document["benchmarks"]) {
    if (entry["name"] == "coarse/boot.total_s") {
      EXPECT_EQ(entry["repetition_index"], boots);
      EXPECT_EQ(entry["repetitions"], 7);
      EXPECT_NEAR(entry["real_time"].get<double>(),
                  run.samples[boots * 3].metrics.at("boot.total_s") * 1e9, 1);
      ++boots;
    }
    if (entry["name"] == "coarse/fio.path_read_1m_mbps") {
      EXPECT_NEAR(entry["bytes_per_second"].get<double>() * entry["real_time"].get<double>(), 1e15,
                  1e3);
    }
    EXPECT_EQ(entry["name"].get<std::string>().find("setup"), std::string::npos);
  }
  EXPECT_EQ(boots, 7);
}

TEST(Exchange, GoogleBenchmarksProcessorTimeIsTheMeasuredOne) {
  RunRecord run = MadeUp(2);
  run.plan.experiment.substrate = "external";
  run.plan.experiment.external = {{"find.wall_s", "find", "x", "s", true},
                                  {"find.cpu_s", "find, cpu", "x", "s", true}};
  for (Sample& sample : run.samples) sample.metrics = {{"find.wall_s", 2}, {"find.cpu_s", 0.5}};
  const json document = MakeGoogleBenchmark(run);
  EXPECT_EQ(document["benchmarks"][0]["real_time"], 2e9);
  EXPECT_EQ(document["benchmarks"][0]["cpu_time"], 0.5e9);
}

TEST(Exchange, BencherHasTheMeanWithinItsInterval) {
  const json document = MakeBencher(MadeUp(7));
  const json& boot = document["fine-blendfs/boot.total_s"]["seconds"];
  EXPECT_NEAR(boot["value"], 12, 0.1);
  EXPECT_LT(boot["lower_value"], boot["value"]);
  EXPECT_GT(boot["upper_value"], boot["value"]);
  EXPECT_TRUE(document["coarse/fio.path_read_1m_mbps"].contains("megabytes-per-second"));
  EXPECT_FALSE(MakeBencher(MadeUp(1))["coarse/boot.total_s"]["seconds"].contains("lower_value"));
}

TEST(Exchange, GithubActionBenchmarkIsSmallerWhenBetter) {
  const json slow = MakeGithubActionBenchmark(MadeUp(7, 1.5)),
             fast = MakeGithubActionBenchmark(MadeUp(7, 1));
  ASSERT_EQ(slow.size(), fast.size());
  int compared = 0;
  for (size_t i = 0; i < slow.size(); ++i) {
    EXPECT_EQ(slow[i]["name"], fast[i]["name"]);
    if (slow[i]["name"].get<std::string>().rfind("fine", 0) != 0) continue;
    EXPECT_NEAR(slow[i]["value"].get<double>() / fast[i]["value"].get<double>(), 1.5, 1e-6);
    ++compared;
  }
  EXPECT_EQ(compared, 3);
}

std::vector<std::vector<std::string>> Rows(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(line.back(), '\r');
    line.pop_back();
    rows.emplace_back();
    std::istringstream cells(line + ",");
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

TEST(Otava, IsARowARunOldestFirstAndAColumnAMetric) {
  std::vector<RunRecord> runs = {MadeUp(7), MadeUp(2)};
  runs[1].plan.experiment.arms.pop_back();
  for (Sample& sample : runs[1].samples)
    if (sample.arm == "fine-blendfs") sample.metrics.clear();
  const auto rows = Rows(MakeOtava(runs));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].size(), 3u + 9);
  EXPECT_EQ(rows[1][2], "run-2");
  EXPECT_EQ(rows[2][0], "2026-11-23T10:00:07Z");
  EXPECT_EQ(rows[2][1], "0123abc");
  EXPECT_EQ(rows[1].size(), rows[0].size());
  const auto column =
      std::find(rows[0].begin(), rows[0].end(), "fine-blendfs.boot.total_s") - rows[0].begin();
  EXPECT_EQ(rows[1][column], "");
  EXPECT_NEAR(std::stod(rows[2][column]), 12, 0.1);
}

TEST(Otava, TheConfigurationSaysWhichWayIsBetter) {
  const std::string config = MakeOtavaConfig({MadeUp(2)}, "a \"b\".csv");
  EXPECT_THAT(config, HasSubstr("file: \"a \\\"b\\\".csv\""));
  EXPECT_THAT(config, HasSubstr("\"coarse.boot.total_s\":\n        column: "
                                "\"coarse.boot.total_s\"\n        direction: -1\n"));
  EXPECT_THAT(config,
              HasSubstr("column: \"coarse.fio.path_read_1m_mbps\"\n        direction: 1\n"));
}

TEST(CompareJson, FitsItsSchemaWhateverTheRuns) {
  for (const RunRecord& before : OddRuns()) {
    for (const RunRecord& after : OddRuns()) {
      Compared compared{before.id, {before.id}, after.id, {}, {}};
      compared.result = CompareRuns({TrackedFrom(before)}, TrackedFrom(after), compared.options);
      const json document = json::parse(CompareJson(compared).dump());
      EXPECT_THAT(SchemaCheck()(document, Schema("compare")), IsEmpty()) << before.id << after.id;
      EXPECT_THAT(CompareText(compared, true), HasSubstr(GateVerdictName(compared.result.verdict)));
      EXPECT_THAT(CompareMarkdown(compared), HasSubstr("| finding | metric |"));
    }
  }
}

TEST(HistoryJson, FitsItsSchema) {
  std::vector<TrackedRun> runs;
  for (int i = 0; i < 9; ++i) {
    runs.push_back(TrackedFrom(MadeUp(3, i < 5 ? 1 : 1.5 + 0.001 * i)));
    runs.back().id = "r" + std::to_string(i);
    runs.back().created = runs.back().id;
    for (Sample& sample : runs.back().samples)
      for (auto& [metric, value] : sample.metrics) value *= 1 + 0.001 * ((i * 7) % 5);
  }
  HistoryOptions options;
  options.alpha = 0.2;  // nine runs do not allow small p values
  const auto series = MakeHistory(runs, options);
  const json document = json::parse(HistoryJson(series, options).dump());
  EXPECT_THAT(SchemaCheck()(document, Schema("history")), IsEmpty());
  EXPECT_THAT(HistoryText(series, options, true), HasSubstr("series changed"));
}

}  // namespace
}  // namespace blendbench
