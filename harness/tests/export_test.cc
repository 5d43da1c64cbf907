// SPDX-License-Identifier: MIT
// The exports of a made-up run: they fit the schemas, and results/schema/report.example.json is one of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/export/report.h"
#include "harness/export/tables.h"
#include "harness/tests/samples_for_test.h"
#include "harness/tests/schema_check.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

const fs::path kSource = BLEND_SOURCE_DIR;

constexpr const char* kClaims = R"toml(schema = 1
[[claim]]
id = "function-reached"
role = "paper"
title = "Fine-grained blending reaches its designed function"
statement = "The user image's files win and its deletions hold."
source = "Guo, Kai, Shi 2014, abstract"
rule = "promises"
arm = "fine-blendfs"
checks = ["override-config", "deletion", "shared-images-untouched"]
[[claim]]
id = "no-negative-effect"
role = "paper"
title = "No obvious negative effect on boot time and on read and write performance"
statement = "At most 5 % slower than coarse."
source = "Guo, Kai, Shi 2014, abstract"
rule = "non-inferiority"
arm = "fine-blendfs"
reference = "coarse"
margin = 0.05
metrics = ["boot.total_s", "fio.path_*", "fio.app_*"]
)toml";

// A boot's phases that add up to its total.
void AddPhases(Sample& sample) {
  const double total = sample.metrics.at("boot.total_s");
  double rest = total;
  for (const auto& [phase, share] :
       {std::pair{"kernel", 0.2}, {"initramfs", 0.05}, {"merge", 0.02}, {"switch", 0.01}}) {
    sample.metrics[std::string("boot.") + phase + "_s"] = total * share;
    rest -= total * share;
  }
  sample.metrics["boot.userspace_s"] = rest;
  sample.metrics["shutdown_s"] = total / 4;
}

RunRecord MadeUpRun(int blocks, double slow_down, const std::string& substrate) {
  RunRecord record;
  record.id = "2026-11-23T10-00-00-example";
  record.claims_text = kClaims;
  record.plan = MakePlan(SmallExperiment(blocks), Sha256Hex(kClaims));
  record.plan.experiment.name = "example";
  record.plan.experiment.spec_sha256 = Sha256Hex("spec");
  record.plan_sha256 = Sha256Hex("plan");
  Environment& environment = record.environment;
  environment.created = "2026-11-23T10:00:00Z";
  environment.finished = "2026-11-23T10:21:00Z";
  environment.substrate = substrate;
  environment.substrate_reason =
      substrate == "kvm" ? "the probe guest booted" : "the probe guest did not boot within 5 s";
  environment.git_commit = "0123abc";
  environment.host = {{"kernel", "6.18.44"}, {"cpu", "a processor"}, {"cores", 2},
                      {"memory_mib", 24000}, {"qemu", "10.0.2"},     {"load1_max", 1.2}};
  environment.images = {{"system", Sha256Hex("system")}, {"user", Sha256Hex("user")}};
  environment.images_after = environment.images;
  record.samples = SmallSamples(blocks, slow_down);
  for (Sample& sample : record.samples) {
    AddPhases(sample);
    const bool fine = sample.arm == "fine-blendfs";
    sample.promises = {{"override-config", fine, fine ? "" : "the system's file is seen"},
                       {"deletion", fine, fine ? "" : "the file is there"}};
    sample.raw = {{"storage",
                   {{"system_bytes_written", fine ? 0 : 500000},
                    {"app_bytes_written", 0},
                    {"user_bytes_written", 1048576}}}};
  }
  return record;
}

// As in the example document: one guest of the fine arm failed.
RunRecord ExampleRun() {
  RunRecord record = MadeUpRun(7, 1.2, "tcg");
  Sample failed = FailedSample(3, 2, "fine-blendfs");
  failed.failure->console = "console/b003-fine-blendfs.log";
  record.samples[3 * 3 + 2] = failed;
  return record;
}

json ReportOf(const RunRecord& record) {
  auto analysis = Analyse(record);
  EXPECT_TRUE(analysis) << analysis.error().message;
  return MakeReport(record, *analysis);
}

json ReadDocument(const fs::path& path) { return json::parse(ReadFile(path).value()); }

void ExpectSame(const json& ours, const json& theirs, const std::string& place) {
  if (ours.is_number() && theirs.is_number()) {
    EXPECT_NEAR(ours.get<double>(), theirs.get<double>(),
                1e-9 * (1 + std::abs(theirs.get<double>())))
        << place;
    return;
  }
  ASSERT_EQ(ours.type(), theirs.type()) << place;
  if (!ours.is_structured()) {
    EXPECT_EQ(ours, theirs) << place;
    return;
  }
  ASSERT_EQ(ours.size(), theirs.size()) << place;
  for (const auto& [key, value] : ours.items()) {
    const json found =
        theirs.is_array() ? theirs.at(std::stoul(key)) : theirs.value(key, json("missing"));
    ExpectSame(value, found, place + "/" + key);
  }
}

TEST(Report, FitsItsSchemaWhateverTheRun) {
  const json schema = ReadDocument(kSource / "results/schema/report.schema.json");
  std::vector<RunRecord> records = {ExampleRun(), MadeUpRun(8, 1.0, "kvm"),
                                    MadeUpRun(1, 1.3, "tcg"), MadeUpRun(2, 1.3, "tcg"),
                                    MadeUpRun(4, 1.3, "kvm")};
  RunRecord empty = MadeUpRun(3, 1, "");
  empty.samples.clear();
  empty.environment = Environment();
  records.push_back(empty);
  for (const RunRecord& record : records) {
    EXPECT_THAT(SchemaCheck()(json::parse(ReportOf(record).dump()), schema), IsEmpty());
  }
}

TEST(Report, TheExampleIsWhatTheExporterWrites) {
  const fs::path path = kSource / "results/schema/report.example.json";
  const json report = ReportOf(ExampleRun());
  if (std::getenv("BLENDBENCH_WRITE_EXAMPLE")) {
    ASSERT_TRUE(WriteFileAtomic(path, report.dump(1) + "\n"));
  }
  ExpectSame(report, ReadDocument(path), "");
}

TEST(Report, SaysWhatTheSamplesSay) {
  const json report = ReportOf(ExampleRun());
  EXPECT_EQ(report["run"]["emulated"], true);
  EXPECT_EQ(report["run"]["blocks_done"], 7);
  EXPECT_EQ(report["failures"]["by_arm"]["fine-blendfs"], 1);
  EXPECT_EQ(report["claims"][0]["verdict"], "NOT DECIDED HERE");
  EXPECT_EQ(report["claims"][1]["indicative"], "REFUTED");
  EXPECT_EQ(report["claims"][1]["stamp"], "emulated, indicative");
  EXPECT_EQ(report["claims"][0]["parts"][0]["check"], "override-config");
  EXPECT_EQ(report["storage"][2]["system_bytes_written"], 0);
  EXPECT_EQ(report["storage"][2]["system_digest_unchanged"], true);
  EXPECT_EQ(report["controls"]["false_alarms"], 0);
  EXPECT_GT(report["controls"]["comparisons"], 0);
  const json& boot = report["comparisons"][9];
  ASSERT_EQ(boot["metric"], "boot.total_s");
  ASSERT_EQ(boot["arm"], "fine-blendfs");
  EXPECT_EQ(boot["n"], 6);
  EXPECT_NEAR(boot["ratio"], 1.2, 0.02);
  EXPECT_EQ(boot["non_inferiority"], "REFUTED");
}

TEST(Report, BytesThatCameFromACacheAreNamed) {
  RunRecord record = MadeUpRun(6, 1.0, "kvm");
  for (Sample& sample : record.samples) {
    const bool cached = sample.arm == "fine-blendfs" && sample.block < 2;
    sample.raw["fio"]["path_read_1m"]["served_from"] = cached ? "cache" : "device";
  }
  for (const json& comparison : ReportOf(record)["comparisons"]) {
    const bool named =
        comparison["reasons"].dump().find("fine-blendfs: 2 of 6 guests were served from a cache") !=
        std::string::npos;
    EXPECT_EQ(named, comparison["arm"] == "fine-blendfs" &&
                         comparison["metric"] == "fio.path_read_1m_mbps");
  }
  const std::string claims = ReportOf(record)["claims"].dump();
  EXPECT_THAT(
      claims,
      HasSubstr("not from the disks alone, see the metric's reasons: fio.path_read_1m_mbps"));
}

TEST(Report, TooFewPairsGiveNullsNotNumbers) {
  const json comparison = ReportOf(MadeUpRun(1, 1.3, "kvm"))["comparisons"][0];
  EXPECT_EQ(comparison["n"], 1);
  EXPECT_TRUE(comparison["ratio"].is_number());
  for (const char* name : {"ci90", "signed_rank_ci", "smallest_margin", "sd_log", "p_different"}) {
    EXPECT_TRUE(comparison[name].is_null()) << name;
  }
  EXPECT_EQ(comparison["non_inferiority"], "INCONCLUSIVE");
}

TEST(Samples, FitTheirSchema) {
  const json schema = ReadDocument(kSource / "results/schema/sample.schema.json");
  for (const Sample& sample : ExampleRun().samples) {
    EXPECT_THAT(SchemaCheck()(ToJson(sample), schema), IsEmpty());
  }
  json wrong = ToJson(ExampleRun().samples[0]);
  wrong["status"] = "fine";
  wrong.erase("arm");
  EXPECT_EQ(SchemaCheck()(wrong, schema).size(), 2u);
}

TEST(Csv, HasARowForEveryMetricAndEveryFailure) {
  RunRecord record = ExampleRun();
  record.samples[0].metrics["strange,\"one\""] = 0.1;
  const std::string csv = MakeCsv(record);
  EXPECT_EQ(csv.substr(0, csv.find("\r\n")), "run,block,order,arm,status,metric,unit,value");
  EXPECT_THAT(csv, HasSubstr("2026-11-23T10-00-00-example,3,2,fine-blendfs,failed,,,\r\n"));
  EXPECT_THAT(csv, HasSubstr(",coarse,ok,boot.total_s,s,"));
  EXPECT_THAT(csv, HasSubstr(",\"strange,\"\"one\"\"\",,0.1\r\n"));
  size_t rows = 1;
  for (const Sample& sample : record.samples) rows += std::max<size_t>(1, sample.metrics.size());
  EXPECT_EQ(static_cast<size_t>(std::count(csv.begin(), csv.end(), '\n')), rows);
}

TEST(Jsonl, IsTheSamplesAgain) {
  const RunRecord record = ExampleRun();
  const std::string text = MakeJsonl(record);
  size_t at = 0;
  for (const Sample& sample : record.samples) {
    const size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_EQ(json::parse(text.substr(at, end - at)), ToJson(sample));
    at = end + 1;
  }
  EXPECT_EQ(at, text.size());
}

TEST(Markdown, PutsTheStampInTheVerdictAndTamesMarkup) {
  RunRecord record = ExampleRun();
  record.samples[11].failure->reason = "a | b\n<script>";
  const std::string page = MakeMarkdown(record, *Analyse(record));
  EXPECT_THAT(page, HasSubstr("NOT DECIDED HERE (emulated, indicative); indicative: REFUTED"));
  EXPECT_THAT(page, HasSubstr("## Failed samples: 1"));
  EXPECT_THAT(page, HasSubstr("a \\| b \\<script>"));
  EXPECT_LT(page.find("## Verdicts"), page.find("## Comparisons"));
}

TEST(Analysis, BrokenClaimsAreAUsageError) {
  RunRecord record = ExampleRun();
  record.claims_text = "[[claim]]\nid = 3\n";
  const auto analysis = Analyse(record);
  ASSERT_FALSE(analysis);
  EXPECT_EQ(analysis.error().code, ExitCode::kUsage);
}

}  // namespace
}  // namespace blendbench
