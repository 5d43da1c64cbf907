// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <optional>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/store/run_folder.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kClaimsText = "# claims\n";

class RunFolderTest : public testing::Test {
 protected:
  RunFolder Create(const std::string& id = "r") {
    auto run = RunFolder::Create(runs(), id, plan_, "# spec\n", kClaimsText);
    EXPECT_TRUE(run) << run.error().message;
    return std::move(*run);
  }
  RunFolder Write() {
    auto run = RunFolder::OpenForWriting(runs() / "r");
    EXPECT_TRUE(run) << run.error().message;
    return std::move(*run);
  }
  fs::path runs() const { return folder_.path() / "runs"; }
  fs::path samples() const { return runs() / "r" / "samples.jsonl"; }
  std::string Content(const char* name) const { return ReadFile(runs() / "r" / name).value(); }
  void Overwrite(const std::string& content) {
    std::ofstream(samples(), std::ios::binary) << content;
  }
  Sample SampleOf(const Step& step) const {
    return OkSample(step.block, step.order, step.arm, {{"boot.total_s", 1.5}});
  }

  TemporaryFolder folder_;
  Plan plan_ = MakePlan(SmallExperiment(2), Sha256Hex(kClaimsText));
};

TEST_F(RunFolderTest, KeepsEverySampleAndKnowsWhatIsLeft) {
  {
    RunFolder run = Create();
    EXPECT_EQ(run.PendingSteps().size(), 6u);
    ASSERT_TRUE(run.Append(SampleOf(plan_.steps[0])));
    ASSERT_TRUE(run.Append(FailedSample(plan_.steps[1].block, 1, plan_.steps[1].arm)));
    EXPECT_EQ(run.PendingSteps().size(), 4u);
    Environment environment;
    environment.substrate = "tcg";
    environment.images = {{"system", "aa"}};
    ASSERT_TRUE(run.WriteEnvironment(environment));
  }
  RunFolder run = Write();
  EXPECT_THAT(run.warnings(), IsEmpty());
  ASSERT_EQ(run.samples().size(), 2u);
  EXPECT_EQ(ToJson(run.samples()[0]), ToJson(SampleOf(plan_.steps[0])));
  EXPECT_EQ(run.samples()[1].status, SampleStatus::kFailed);
  const std::vector<Step> pending = run.PendingSteps();
  ASSERT_EQ(pending.size(), 4u);  // a failed sample is not run again
  EXPECT_EQ(pending[0].arm, plan_.steps[2].arm);
  EXPECT_EQ(run.environment().images.at("system"), "aa");
  EXPECT_EQ(run.plan_sha256(), Sha256Hex(Content("plan.json")));
}

TEST_F(RunFolderTest, AFolderOfOneBlockHasNoOtherStepsToDo) {
  RunFolder run = Create();
  EXPECT_EQ(run.Steps().size(), 6u);
  run.OnlyBlock(1);
  EXPECT_EQ(run.Steps().size(), 3u);
  for (const Step& step : run.PendingSteps()) {
    EXPECT_EQ(step.block, 1);
    ASSERT_TRUE(run.Append(SampleOf(step)));
  }
  EXPECT_THAT(run.PendingSteps(), IsEmpty());
  RunFolder moved = std::move(run);
  EXPECT_EQ(moved.only_block(), 1);
  EXPECT_EQ(moved.plan().steps.size(), 6u) << "the plan stays the whole one";
}

TEST_F(RunFolderTest, ATornLastLineIsSetAsideAndItsStepRunsAgain) {
  {
    RunFolder run = Create();
    ASSERT_TRUE(run.Append(SampleOf(plan_.steps[0])));
    ASSERT_TRUE(run.Append(SampleOf(plan_.steps[1])));
  }
  const std::string whole = Content("samples.jsonl");
  const size_t second = whole.find('\n') + 1;
  for (const size_t cut : {second + 1, second + 40, whole.size() - 3}) {
    Overwrite(whole.substr(0, cut));
    {
      RunFolder run = Write();
      EXPECT_EQ(run.samples().size(), 1u) << cut;
      EXPECT_EQ(run.PendingSteps().size(), 5u);
      EXPECT_THAT(Lines(run.warnings()),
                  ElementsAre(HasSubstr("samples.jsonl:2: the last line is torn")));
      EXPECT_EQ(Content("samples.jsonl"), whole.substr(0, second));
      EXPECT_THAT(Content("samples.corrupt"), HasSubstr(whole.substr(second, cut - second)));
      ASSERT_TRUE(run.Append(SampleOf(plan_.steps[1])));
    }
    EXPECT_EQ(Content("samples.jsonl"), whole);
    EXPECT_THAT(Write().warnings(), IsEmpty());
  }
}

TEST_F(RunFolderTest, AWholeSampleWithoutItsNewlineIsKept) {
  {
    RunFolder run = Create();
    ASSERT_TRUE(run.Append(SampleOf(plan_.steps[0])));
  }
  const std::string whole = Content("samples.jsonl");
  Overwrite(whole.substr(0, whole.size() - 1));
  RunFolder run = Write();
  EXPECT_EQ(run.samples().size(), 1u);
  ASSERT_TRUE(run.Append(SampleOf(plan_.steps[1])));
  EXPECT_EQ(Content("samples.jsonl").substr(0, whole.size()), whole);
}

TEST_F(RunFolderTest, SamplesOfAnotherPlanAreNamed) {
  {
    RunFolder run = Create();
    for (int i = 0; i < 3; ++i) {
      Sample sample = SampleOf(plan_.steps[i]);
      if (i > 0)
        sample.provenance = {{"plan_sha256", i == 1 ? run.plan_sha256() : Sha256Hex("another")}};
      ASSERT_TRUE(run.Append(sample));
    }
  }
  EXPECT_THAT(Lines(Write().warnings()),
              ElementsAre(HasSubstr("1 samples, the first that of block 0")));
}

TEST_F(RunFolderTest, DamagedLinesAreNamedKeptAndRunAgain) {
  {
    RunFolder run = Create();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(run.Append(SampleOf(plan_.steps[i])));
  }
  std::string content = Content("samples.jsonl");
  const size_t second = content.find('\n') + 1;
  content.replace(second + 10, 4, std::string("\0\xff\x01{", 4));
  Overwrite(content);
  for (int opening = 0; opening < 2; ++opening) {
    RunFolder run = Write();
    EXPECT_EQ(run.samples().size(), 2u);
    EXPECT_THAT(Lines(run.warnings()), ElementsAre(HasSubstr("samples.jsonl:2: not JSON")));
    EXPECT_EQ(run.PendingSteps()[0].arm, plan_.steps[1].arm);
  }
  EXPECT_EQ(Content("samples.jsonl"), content);  // nothing is lost
  const std::string aside = Content("samples.corrupt");
  const size_t third = content.find('\n', second);
  EXPECT_NE(aside.find(content.substr(second, third - second)), std::string::npos);
  EXPECT_EQ(std::count(aside.begin(), aside.end(), '#'), 1);  // kept once
}

TEST_F(RunFolderTest, ForeignAndSecondSamplesAreLeftOutAloud) {
  {
    RunFolder run = Create();
    ASSERT_TRUE(run.Append(SampleOf(plan_.steps[0])));
    ASSERT_TRUE(run.Append(SampleOf(plan_.steps[0])));
    ASSERT_TRUE(run.Append(OkSample(0, 0, "other", {})));
  }
  RunFolder run = Write();
  EXPECT_EQ(run.samples().size(), 1u);
  EXPECT_THAT(Lines(run.warnings()),
              ElementsAre(HasSubstr(":2: a second sample"), HasSubstr(":3: an unplanned sample")));
}

TEST_F(RunFolderTest, ReadingChangesNothing) {
  { Create(); }
  Overwrite("{\"torn");
  auto run = RunFolder::OpenForReading(runs() / "r");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->warnings().size(), 1u);
  EXPECT_EQ(Content("samples.jsonl"), "{\"torn");
  EXPECT_FALSE(fs::exists(runs() / "r" / "samples.corrupt"));
  EXPECT_FALSE(run->Append(SampleOf(plan_.steps[0])));
}

TEST_F(RunFolderTest, OneWriterAtATime) {
  std::optional<RunFolder> first(Create());
  auto second = RunFolder::OpenForWriting(runs() / "r");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ExitCode::kEnvironment);
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(getpid())));
  EXPECT_TRUE(RunFolder::OpenForReading(runs() / "r"));
  RunFolder moved = std::move(*first);
  first.reset();
  EXPECT_FALSE(RunFolder::OpenForWriting(runs() / "r"));  // the lock moved along
  moved = Create("other");
  EXPECT_FALSE(RunFolder::OpenForWriting(runs() / "other"));
}

TEST_F(RunFolderTest, AKilledWriterLeavesNoLock) {
  { Create(); }
  const pid_t child = fork();
  if (child == 0) {
    auto run = RunFolder::OpenForWriting(runs() / "r");
    if (run) (void)run->Append(SampleOf(plan_.steps[0]));
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Write().samples().size(), 1u);
}

// A killed blendbench's helpers hold its lock until they have cleaned up after it.
TEST_F(RunFolderTest, WhatAKilledWriterLeavesRunningIsWaitedFor) {
  { Create(); }
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t writer = fork();
  if (writer == 0) {
    RunFolder run = Write();
    if (fork() == 0) {  // has the lock's descriptor too
      usleep(400'000);
      _exit(0);
    }
    const ssize_t told = write(ready[1], "x", 1);
    _exit(told == 1 ? 0 : 1);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(waitpid(writer, nullptr, 0), writer);
  auto run = RunFolder::OpenForWriting(runs() / "r");
  EXPECT_TRUE(run) << run.error().message;
  close(ready[0]);
  close(ready[1]);
}

TEST_F(RunFolderTest, AnExistingRunIsNotOverwritten) {
  { Create(); }
  const auto again = RunFolder::Create(runs(), "r", plan_, "", kClaimsText);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ExitCode::kUsage);
  EXPECT_THAT(again.error().message, HasSubstr("--resume"));
}

TEST_F(RunFolderTest, ClaimsExchangedLaterAreRefused) {
  { Create(); }
  std::ofstream(runs() / "r" / "claims.toml") << "# easier claims\n";
  const auto run = RunFolder::OpenForReading(runs() / "r");
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message,
              HasSubstr("claims.toml: is not the file the plan was made with"));
}

TEST_F(RunFolderTest, DamagedPlansAndEnvironmentsAreNamed) {
  for (const char* name : {"plan.json", "environment.json"}) {
    fs::remove_all(runs());
    { Create(); }
    for (const char* content : {"", "{", "[]", "{\"schema\": 1, \"host\": 3}"}) {
      std::ofstream(runs() / "r" / name) << content;
      const auto run = RunFolder::OpenForReading(runs() / "r");
      ASSERT_FALSE(run) << name << content;
      EXPECT_THAT(run.error().message, HasSubstr(name));
    }
  }
  EXPECT_EQ(RunFolder::OpenForReading(runs() / "none").error().code, ExitCode::kUsage);
}

TEST_F(RunFolderTest, NumbersThatAreNoneAreRefused) {
  RunFolder run = Create();
  Sample sample = SampleOf(plan_.steps[0]);
  sample.metrics["boot.total_s"] = std::nan("");
  EXPECT_FALSE(run.Append(sample));
  EXPECT_EQ(Content("samples.jsonl"), "");
}

TEST_F(RunFolderTest, BytesThatAreNoTextDoNotCostASample) {
  RunFolder run = Create();
  Sample sample = FailedSample(0, plan_.steps[0].order, plan_.steps[0].arm);
  sample.failure->console_tail = "\xff\xfe broken";
  ASSERT_TRUE(run.Append(sample));
  EXPECT_EQ(RunFolder::OpenForReading(runs() / "r")->samples().size(), 1u);
}

// Takes a file size limit for a full disk: write(2) stops in the middle of the line just as there.
TEST_F(RunFolderTest, AFullDiskLeavesNoHalfLine) {
  { Create(); }
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    auto run = RunFolder::OpenForWriting(runs() / "r");
    bool good = run && run->Append(SampleOf(plan_.steps[0]));
    const auto size = fs::file_size(samples());
    const struct rlimit limit { size + 50, size + 50 };
    good = good && setrlimit(RLIMIT_FSIZE, &limit) == 0;
    const auto full = run->Append(SampleOf(plan_.steps[1]));
    good = good && !full && full.error().code == ExitCode::kEnvironment;
    good = good && fs::file_size(samples()) == size && run->samples().size() == 1;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(Write().warnings(), IsEmpty());
}

TEST_F(RunFolderTest, RunsAreListedByName) {
  EXPECT_THAT(ListRuns(runs()), IsEmpty());
  { Create("b"); }
  { Create("a"); }
  fs::create_directory(runs() / "not-a-run");
  EXPECT_THAT(ListRuns(runs()), ElementsAre(runs() / "a", runs() / "b"));
}

}  // namespace
}  // namespace blendbench
