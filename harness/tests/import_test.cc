// SPDX-License-Identifier: MIT
// Other tools' results: what is taken, and that no file, however broken or hostile, gets further than one clear line.
#include "harness/import/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "harness/spec/metrics.h"

namespace blendbench {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kFio = R"json(fio: a warning before the document
{
  "fio version" : "fio-3.33",
  "timestamp" : 1732300000,
  "jobs" : [
    {"jobname" : "seq", "error" : 0,
     "read" : {"io_bytes" : 1000, "bw_bytes" : 200000000, "iops" : 200.0, "total_ios" : 100, "lat_ns" : {"mean" : 5000000.0}},
     "write" : {"io_bytes" : 0, "bw_bytes" : 0, "iops" : 0, "total_ios" : 0, "lat_ns" : {"mean" : 0}}},
    {"jobname" : "seq", "error" : 0,
     "read" : {"io_bytes" : 1000, "bw_bytes" : 100000000, "iops" : 100.0, "total_ios" : 300, "lat_ns" : {"mean" : 1000000.0}}}
  ]
})json";

constexpr const char* kGoogle = R"json({
  "context": {"date": "2026-11-23T10:00:00+00:00", "host_name": "h", "num_cpus": 2},
  "benchmarks": [
    {"name": "BM_Find/8", "run_name": "BM_Find/8", "run_type": "iteration", "repetition_index": 0,
     "real_time": 1500, "cpu_time": 1400, "time_unit": "us", "bytes_per_second": 2e6, "hits": 3},
    {"name": "BM_Find/8", "run_name": "BM_Find/8", "run_type": "iteration", "repetition_index": 1,
     "real_time": 1.6, "cpu_time": 1.5, "time_unit": "ms", "bytes_per_second": 2e6},
    {"name": "BM_Find/8_mean", "run_name": "BM_Find/8", "run_type": "aggregate", "aggregate_name": "mean",
     "real_time": 9, "cpu_time": 9, "time_unit": "ms"}
  ]
})json";

Result<ExternalResults> Read(const std::string& bytes) {
  return ReadExternal({"file.json", bytes});
}

std::string ErrorOf(const std::string& bytes) {
  const auto results = Read(bytes);
  EXPECT_FALSE(results) << bytes.substr(0, 200);
  if (results) return "";
  EXPECT_EQ(results.error().code, ExitCode::kUsage);
  EXPECT_EQ(results.error().message.find('\n'), std::string::npos) << results.error().message;
  EXPECT_EQ(results.error().message.rfind("file.json:", 0), 0u) << results.error().message;
  return results.error().message;
}

std::string Changed(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ImportFio, JobsOfOneNameAddUpAndNothingMeasuredIsNothing) {
  const auto results = Read(kFio);
  ASSERT_TRUE(results) << results.error().message;
  EXPECT_EQ(results->tool, "fio-3.33");
  EXPECT_EQ(results->started, "2024-11-22T18:26:40Z");
  ASSERT_EQ(results->blocks.size(), 1u);
  const auto& metrics = results->blocks[0].metrics;
  EXPECT_EQ(metrics.size(), 3u);
  EXPECT_DOUBLE_EQ(metrics.at("fio.seq.read_mbps"), 300);
  EXPECT_DOUBLE_EQ(metrics.at("fio.seq.read_iops"), 300);
  EXPECT_DOUBLE_EQ(metrics.at("fio.seq.read_lat_s"), (100 * 5e-3 + 300 * 1e-3) / 400);
  EXPECT_THAT(results->notes, ElementsAre(HasSubstr("a warning before the document")));
}

TEST(ImportFio, AFailedJobIsAFailureAndTheOthersCount) {
  const auto results = Read(Changed(kFio, "\"error\" : 0", "\"error\" : 28"));
  ASSERT_TRUE(results);
  EXPECT_THAT(results->blocks[0].failures, ElementsAre("fio's job seq ended with error 28"));
  EXPECT_DOUBLE_EQ(results->blocks[0].metrics.at("fio.seq.read_mbps"), 100);
}

TEST(ImportGoogleBenchmark, RepetitionsAreBlocksAndUnitsAreSeconds) {
  const auto results = Read(kGoogle);
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_EQ(results->blocks.size(), 2u);
  EXPECT_NEAR(results->blocks[0].metrics.at("BM_Find/8.real_s"), 1.5e-3, 1e-12);
  EXPECT_NEAR(results->blocks[1].metrics.at("BM_Find/8.real_s"), 1.6e-3, 1e-12);
  EXPECT_NEAR(results->blocks[0].metrics.at("BM_Find/8.cpu_s"), 1.4e-3, 1e-12);
  EXPECT_DOUBLE_EQ(results->blocks[0].metrics.at("BM_Find/8_mbps"), 2);
  EXPECT_EQ(results->blocks[0].raw[0]["hits"], 3)
      << "counters of unknown meaning stay in the raw part";
}

TEST(ImportGoogleBenchmark, AggregatesAloneGiveTheirMeans) {
  json document = json::parse(kGoogle);
  document["benchmarks"].erase(0);
  document["benchmarks"].erase(0);
  const auto results = Read(document.dump());
  ASSERT_TRUE(results);
  ASSERT_EQ(results->blocks.size(), 1u);
  EXPECT_NEAR(results->blocks[0].metrics.at("BM_Find/8.real_s"), 9e-3, 1e-12);
  EXPECT_THAT(results->notes, ElementsAre(HasSubstr("aggregates alone")));
}

TEST(ImportGoogleBenchmark, ABenchmarkThatGaveUpIsAFailure) {
  const auto results = Read(
      Changed(kGoogle, "\"hits\": 3", "\"error_occurred\": true, \"error_message\": \"no disk\""));
  ASSERT_TRUE(results);
  EXPECT_THAT(results->blocks[0].failures, ElementsAre("BM_Find/8: no disk"));
  EXPECT_THAT(results->blocks[0].metrics, IsEmpty());
}

TEST(ImportErrors, NameFileAndPlace) {
  EXPECT_THAT(ErrorOf("{\"jobs\": [\n  {\"jobname\": }]}"), HasSubstr("file.json:2:15: not JSON"));
  EXPECT_THAT(ErrorOf(std::string("warning\n") + "{\"jobs\": ["), HasSubstr("file.json:2:"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("neither fio's JSON"));
  EXPECT_THAT(ErrorOf("[1]"), HasSubstr("neither"));
  EXPECT_THAT(ErrorOf("{\"jobs\": 3}"), HasSubstr("jobs must be a list, not 3"));
  EXPECT_THAT(ErrorOf("{\"jobs\": []}"), HasSubstr("holds no result"));
  EXPECT_THAT(ErrorOf(Changed(kFio, "200000000", "\"fast\"")),
              HasSubstr("jobs[0].read.bw_bytes must be a number, not \"fast\""));
  EXPECT_THAT(ErrorOf(Changed(kFio, "\"iops\" : 200.0,", "")),
              HasSubstr("jobs[0].read: lacks \"iops\""));
  EXPECT_THAT(ErrorOf(Changed(kGoogle, "\"us\"", "\"weeks\"")),
              HasSubstr("benchmarks[0].time_unit must be ns, us, ms or s"));
  EXPECT_THAT(ErrorOf(Changed(kGoogle, "1500", "1e999")), HasSubstr("file.json: "));
  EXPECT_THAT(ErrorOf("{\"jobs\": \"" + std::string("\xff\xfe") + "\"}"), HasSubstr("not JSON"));
  EXPECT_THAT(ErrorOf("{\"jobs\":" + std::string(100'000, '[')), HasSubstr("nested deeper"));
}

TEST(ImportErrors, AnyTruncationAndAnyFlippedByteIsSurvived) {
  std::mt19937 random(5);
  for (const char* text : {kFio, kGoogle}) {
    const std::string whole = text;
    for (size_t length = 0; length + 1 < whole.size(); ++length) ErrorOf(whole.substr(0, length));
    for (int i = 0; i < 2000; ++i) {
      std::string broken = whole;
      broken[random() % broken.size()] = static_cast<char>(random());
      const auto results = Read(broken);
      if (!results) ErrorOf(broken);
    }
  }
}

TEST(Import, ArmsAndBlocksComeInTheOrderOfTheFiles) {
  const std::vector<ImportFile> files = {{"before", {"a.json", kGoogle}},
                                         {"after", {"b.json", kGoogle}},
                                         {"before", {"c.json", kGoogle}}};
  const auto imported = ImportFiles("micro", files, "");
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->plan.experiment.blocks, 4);
  EXPECT_EQ(imported->plan.steps.size(), 6u);
  EXPECT_TRUE(imported->plan.experiment.arms[0].reference);
  EXPECT_EQ(imported->samples[2].provenance["imported_from"], "a.json");
  const auto plan = PlanFromJson(ToJson(imported->plan));
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(MetricsOf(plan->experiment).size(), 3u);
  EXPECT_EQ(ToJson(*plan), ToJson(imported->plan));
}

TEST(Import, RefusesWhatCannotBe) {
  const auto error = [](const std::string& name, const std::string& arm,
                        const std::string& reference) {
    const auto imported = ImportFiles(name, {{arm, {"a.json", kGoogle}}}, reference);
    return imported ? "" : imported.error().message;
  };
  EXPECT_THAT(error("../x", "a", ""), HasSubstr("may hold only"));
  EXPECT_THAT(error("x", "A b", ""), HasSubstr("arm \"A b\""));
  EXPECT_THAT(error("x", "a", "b"), HasSubstr("--reference b: no file has this arm"));
}

}  // namespace
}  // namespace blendbench
