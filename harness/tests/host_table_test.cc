// SPDX-License-Identifier: MIT
// The table and the report document of a made-up experiment on the host.
#include "harness/export/host_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/files.h"
#include "harness/export/host_report.h"
#include "harness/export/report.h"
#include "harness/tests/samples_for_test.h"
#include "harness/tests/schema_check.h"

namespace blendbench {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kSpec = R"toml(name = "h"
substrate = "host"
blocks = 3
cases = ["warm-find", "upper-write-4k", "copyup-2k-small", "unpack"]
[[arm]]
id = "ext4"
engine = "plain"
reference = true
[[arm]]
id = "slow"
engine = "mergerfs"
)toml";

// "slow" takes twice as long, writes at half the rate, needs three times the processor.
RunRecord MadeUpRun() {
  RunRecord record;
  record.id = "h1";
  record.plan = MakePlan(*ParseExperiment(kSpec, "h.toml"), "");
  record.environment.substrate = "host";
  for (int block = 0; block < 3; ++block) {
    const double wobble = 1 + 0.01 * block;
    Sample ext4 = OkSample(block, 0, "ext4",
                           {{"warm-find.wall_s", 0.1},
                            {"warm-find.cpu_s", 0.05},
                            {"upper-write-4k.rate_mbps", 1000},
                            {"upper-write-4k.cpu_s", 0.1},
                            {"copyup-2k-small.wall_s", 0.2},
                            {"copyup-2k-small.cpu_s", 0.1}});
    Sample slow = OkSample(block, 1, "slow",
                           {{"warm-find.wall_s", 0.2 * wobble},
                            {"warm-find.cpu_s", 0.15},
                            {"upper-write-4k.rate_mbps", 500 / wobble},
                            {"upper-write-4k.cpu_s", 0.3}});
    slow.raw["skipped"] = {{"copyup-2k-small", "writes into the lower branch"}};
    record.samples.push_back(ext4);
    record.samples.push_back(slow);
  }
  return record;
}

std::string LineOf(const std::string& text, const std::string& begin, size_t from = 0) {
  const size_t at = text.find("\n" + begin, from);
  return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

TEST(HostTable, SpeedAboveOneIsFasterAndProcessorTimeAboveOneIsMore) {
  const RunRecord record = MadeUpRun();
  const std::string text = HostTable(record, *Analyse(record));
  // A time twice as long and a rate half as high are both half the speed.
  EXPECT_THAT(LineOf(text, "warm-find"), HasSubstr("0.100 s  0.495 ["));
  EXPECT_THAT(LineOf(text, "upper-write-4k"), HasSubstr("1000 MB/s  0.495 ["));
  EXPECT_THAT(LineOf(text, "copyup-2k-small"), HasSubstr("skipped"));
  EXPECT_THAT(text, HasSubstr("\nskipped: slow: writes into the lower branch\n"));
  const size_t cpu = text.find("processor time");
  ASSERT_NE(cpu, std::string::npos);
  EXPECT_THAT(LineOf(text, "warm-find", cpu), HasSubstr("0.0500 s  3.00 ["));
  EXPECT_THAT(text, HasSubstr("median of 3 blocks [90 % interval]"));
}

TEST(HostTable, AFailedCaseIsMarkedAndTheOthersCount) {
  RunRecord record = MadeUpRun();
  Sample& failed = record.samples[1];
  failed.status = SampleStatus::kFailed;
  failed.failure = Failure{"case:warm-find", "wrong result", "", ""};
  failed.metrics.erase("warm-find.wall_s");
  failed.raw["failed_cases"] = {{"warm-find", "wrong result"}};
  const Analysis analysis = *Analyse(record);
  const std::string text = HostTable(record, analysis);
  EXPECT_THAT(LineOf(text, "warm-find"), HasSubstr(" !"));
  EXPECT_THAT(text, HasSubstr("\nfailed: slow, warm-find: wrong result\n"));
  std::map<std::string, size_t> pairs;
  for (const Comparison& comparison : analysis.comparisons)
    pairs[comparison.metric.id] = comparison.pairs.size();
  EXPECT_EQ(pairs.at("warm-find.wall_s"), 2u);
  EXPECT_EQ(pairs.at("upper-write-4k.rate_mbps"), 3u);
  EXPECT_EQ(analysis.failures.by_arm.at("slow"), 1);
}

TEST(HostTable, IsEmptyForGuests) {
  RunRecord record;
  record.plan = MakePlan(SmallExperiment(1), "");
  record.samples = SmallSamples(1, 1.0);
  EXPECT_EQ(HostTable(record, *Analyse(record)), "");
  EXPECT_TRUE(HostReport(record).is_null());
}

TEST(HostTable, Medians) {
  EXPECT_EQ(Median({}), std::nullopt);
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1}), 2.5);
}

TEST(HostReport, FitsTheSchemaAndTellsWhatWasNotMeasured) {
  const RunRecord record = MadeUpRun();
  const json report = MakeReport(record, *Analyse(record));
  const json schema = json::parse(
      *ReadFile(std::filesystem::path(BLEND_SOURCE_DIR) / "results/schema/report.schema.json"));
  EXPECT_THAT(SchemaCheck()(json::parse(report.dump()), schema), testing::IsEmpty());
  EXPECT_EQ(report["run"]["emulated"], false);
  ASSERT_EQ(report["host"]["cases"].size(), 4u);
  EXPECT_EQ(report["host"]["cases"][1]["metric"], "upper-write-4k.rate_mbps");
  ASSERT_EQ(report["host"]["skipped"].size(), 1u);
  EXPECT_EQ(report["host"]["skipped"][0]["reason"], "writes into the lower branch");
  EXPECT_EQ(report["host"]["failed"].size(), 0u);
}

}  // namespace
}  // namespace blendbench
