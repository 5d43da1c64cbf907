// SPDX-License-Identifier: MIT
// Baselines on disk: small, self-contained, and refused once they were touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/store/baselines.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BaselinesTest : public testing::Test {
 protected:
  fs::path Runs() const { return folder_.path() / "runs"; }
  fs::path Place() const { return folder_.path() / "baselines"; }

  RunFolder MakeRun(const std::string& id, int done = 6) {
    const Plan plan = MakePlan(SmallExperiment(2), Sha256Hex(""));
    auto run = RunFolder::Create(Runs(), id, plan, "spec", "");
    EXPECT_TRUE(run) << run.error().message;
    Environment environment;
    environment.created = "2026-11-23T10:00:00Z";
    EXPECT_TRUE(run->WriteEnvironment(environment));
    std::vector<Sample> samples = SmallSamples(2, 1.1);
    samples[4] = FailedSample(1, 1, "coarse-aa");
    for (Sample& sample : samples) {
      sample.raw = {{"console", std::string(100'000, 'x')}};
      sample.provenance = {{"git_commit", "abc"}, {"host", {{"cpu", "x"}}}};
      if (done-- <= 0) continue;
      EXPECT_TRUE(run->Append(sample));
    }
    return std::move(*run);
  }
  std::string Adopt(const std::string& name, const std::string& run,
                    IfThere if_there = IfThere::kRefuse) {
    std::vector<RunFolder> runs;
    runs.push_back(std::move(*RunFolder::OpenForReading(Runs() / run)));
    const auto adopted = AdoptBaseline(Place(), name, runs, "a note", if_there);
    return adopted ? "" : adopted.error().message;
  }
  uintmax_t Bytes() const {
    uintmax_t sum = 0;
    for (const auto& entry : fs::recursive_directory_iterator(Place()))
      if (entry.is_regular_file()) sum += entry.file_size();
    return sum;
  }

  TemporaryFolder folder_;
};

TEST_F(BaselinesTest, KeepsTheNumbersAndStandsAlone) {
  MakeRun("r1");
  ASSERT_EQ(Adopt("main", "r1"), "");
  fs::remove_all(Runs());
  EXPECT_LT(Bytes(), 20'000u);
  const auto baseline = OpenBaseline(Place(), "main");
  ASSERT_TRUE(baseline) << baseline.error().message;
  ASSERT_EQ(baseline->runs.size(), 1u);
  const RunFolder& run = baseline->runs[0];
  EXPECT_EQ(run.id(), "r1");
  EXPECT_EQ(run.samples().size(), 6u);
  EXPECT_EQ(run.samples()[0].metrics, SmallSamples(2, 1.1)[0].metrics);
  EXPECT_EQ(run.samples()[4].failure->reason, "kernel panic");
  EXPECT_EQ(run.samples()[0].provenance["git_commit"], "abc");
  EXPECT_EQ(run.environment().created, "2026-11-23T10:00:00Z");
  EXPECT_EQ(baseline->note, "a note");
  EXPECT_THAT(run.warnings(), IsEmpty());
}

TEST_F(BaselinesTest, GrowsIsReplacedAndIsRemoved) {
  MakeRun("r1");
  MakeRun("r2");
  ASSERT_EQ(Adopt("main", "r1"), "");
  EXPECT_THAT(Adopt("main", "r2"), HasSubstr("--replace or --append"));
  EXPECT_EQ(Adopt("main", "r2", IfThere::kAppend), "");
  EXPECT_EQ(OpenBaseline(Place(), "main")->runs.size(), 2u);
  EXPECT_THAT(Adopt("main", "r2", IfThere::kAppend), HasSubstr("has it already"));
  EXPECT_EQ(Adopt("main", "r2", IfThere::kReplace), "");
  EXPECT_EQ(OpenBaseline(Place(), "main")->runs.size(), 1u);
  EXPECT_THAT(ListBaselines(Place()), ElementsAre("main"));
  EXPECT_TRUE(RemoveBaseline(Place(), "main"));
  EXPECT_THAT(ListBaselines(Place()), IsEmpty());
  EXPECT_TRUE(fs::exists(Runs() / "r1" / "plan.json"));
  EXPECT_TRUE(fs::is_empty(Place())) << "nothing is left beside it";
}

TEST_F(BaselinesTest, LeavesEveryOtherNameAlone) {
  MakeRun("r1");
  MakeRun("r2");
  ASSERT_EQ(Adopt("main.old", "r1"), "");
  ASSERT_EQ(Adopt("main", "r1"), "");
  ASSERT_EQ(Adopt("main", "r2", IfThere::kReplace), "");
  EXPECT_THAT(ListBaselines(Place()), ElementsAre("main", "main.old"));
  EXPECT_EQ(std::distance(fs::directory_iterator(Place()), {}), 2);  // no leftovers
}

TEST_F(BaselinesTest, TouchedFilesAreNoBaseline) {
  MakeRun("r1");
  for (const char* file : {"samples.jsonl", "plan.json", "environment.json"}) {
    ASSERT_EQ(Adopt("main", "r1", IfThere::kReplace), "");
    std::ofstream(Place() / "main/runs/r1" / file, std::ios::app) << "\n";
    const auto baseline = OpenBaseline(Place(), "main");
    ASSERT_FALSE(baseline) << file;
    EXPECT_EQ(baseline.error().code, ExitCode::kEnvironment);
    EXPECT_THAT(baseline.error().message,
                HasSubstr(std::string(file) + " is not the one that was adopted"));
  }
}

TEST_F(BaselinesTest, ABrokenIndexIsOneLine) {
  MakeRun("r1");
  ASSERT_EQ(Adopt("main", "r1"), "");
  const fs::path index = Place() / "main/baseline.json";
  const std::string good = ReadFile(index).value();
  for (
      const std::string& text :
      {std::string(), std::string("{"), std::string("[]"), std::string("{\"schema\": 1}"),
       std::string("{\"schema\": 2}"), good.substr(0, good.size() / 2),
       std::string(
           R"({"schema":1,"name":"x","created":"","note":"","runs":[{"id":"../r1","files":{}}]})"),
       std::string(R"({"schema":1,"name":"x","created":"","note":"","runs":[]})"),
       std::string(
           R"({"schema":1,"name":"x","created":"","note":"","runs":[{"id":"r1","files":{"../../x":"y"}}]})")}) {
    std::ofstream(index, std::ios::trunc) << text;
    const auto baseline = OpenBaseline(Place(), "main");
    ASSERT_FALSE(baseline) << text;
    EXPECT_EQ(baseline.error().message.find('\n'), std::string::npos);
  }
}

TEST_F(BaselinesTest, RefusesWhatIsNoBaseline) {
  MakeRun("half", 3);
  EXPECT_THAT(Adopt("main", "half"), HasSubstr("3 steps are still to go"));
  MakeRun("r1");
  EXPECT_THAT(Adopt("../main", "r1"), HasSubstr("may hold a-z"));
  EXPECT_THAT(Adopt(".main", "r1"), HasSubstr("may hold a-z"));
  EXPECT_EQ(Adopt("main", "r1"), "");
  EXPECT_THAT(OpenBaseline(Place(), "mian").error().message, HasSubstr("did you mean main?"));
  EXPECT_FALSE(RemoveBaseline(Place(), "../runs"));
}

}  // namespace
}  // namespace blendbench
