// SPDX-License-Identifier: MIT
// The loop over a plan with a fake in place of guests: what is run, what is kept, what a stop loses.
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "harness/base/text.h"
#include "harness/run/step_loop.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Recorder : public SilentProgress {
 public:
  void StepStarted(int index, int, const std::string& arm) override {
    lines.push_back("start " + std::to_string(index) + " " + arm);
  }
  void StepFinished(int index, const Sample& sample) override {
    lines.push_back("end " + std::to_string(index) + " " + sample.arm);
  }
  std::vector<std::string> lines;
};

class RunLoop : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("blendbench-run-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    for (const auto& [id, layout] :
         {std::pair{"coarse", Layout::kCoarse}, std::pair{"coarse-aa", Layout::kCoarse},
          std::pair{"monolithic", Layout::kMonolithic}, std::pair{"fine-blendfs", Layout::kFine}}) {
      Arm arm;
      arm.id = id;
      arm.label = id;
      arm.layout = layout;
      arm.engine = layout == Layout::kFine ? "blendfs" : "";
      arm.reference = arm.id == "coarse";
      arm.control = arm.id == "coarse-aa";
      experiment_.arms.push_back(arm);
    }
    experiment_.name = "test";
    experiment_.blocks = 3;
    experiment_.spec_sha256 = Sha256Hex("");
  }
  void TearDown() override { fs::remove_all(folder_); }

  RunFolder Create() {
    Result<RunFolder> run =
        RunFolder::Create(folder_, "r", MakePlan(experiment_, Sha256Hex("")), "", "");
    if (!run) ADD_FAILURE() << run.error().message;
    return std::move(*run);
  }
  RunFolder Reopen() {
    Result<RunFolder> run = RunFolder::OpenForWriting(folder_ / "r");
    if (!run) ADD_FAILURE() << run.error().message;
    return std::move(*run);
  }
  static Sample SampleOf(const Step& step) {
    Sample sample;
    sample.block = step.block;
    sample.order = step.order;
    sample.arm = step.arm;
    sample.raw = nlohmann::json::object();
    sample.provenance = nlohmann::json::object();
    return sample;
  }
  // A measurer that stops with `error` instead of measuring step number `at` (from 0).
  MeasureStep StopsAt(int at, ExitCode code) {
    return [this, at, code, count = 0](const Step& step, const std::string&,
                                       bool) mutable -> Result<Sample> {
      if (count++ == at) return Fail(code, "stopped");
      measured_.push_back(std::to_string(step.block) + step.arm);
      return SampleOf(step);
    };
  }

  fs::path folder_;
  Experiment experiment_;
  Recorder progress_;
  Interrupt interrupt_;
  std::vector<std::string> measured_;
  int run_count_ = 0;
};

TEST_F(RunLoop, EveryStepIsMeasuredOnceInThePlansOrder) {
  RunFolder run = Create();
  ASSERT_TRUE(MeasurePending(run, StopsAt(-1, ExitCode::kOk), progress_, interrupt_));
  std::vector<std::string> planned;
  for (const Step& step : run.plan().steps)
    planned.push_back(std::to_string(step.block) + step.arm);
  EXPECT_EQ(measured_, planned);
  EXPECT_EQ(measured_.size(), 12u);
  EXPECT_TRUE(run.PendingSteps().empty());
}

TEST_F(RunLoop, AnotherCallContinuesWhereTheFirstWasStopped) {
  {
    RunFolder run = Create();
    Result<void> stopped =
        MeasurePending(run, StopsAt(5, ExitCode::kInterrupted), progress_, interrupt_);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ExitCode::kInterrupted);
    EXPECT_THAT(stopped.error().message, HasSubstr("--resume"));
    EXPECT_EQ(run.samples().size(), 5u);
  }
  RunFolder run = Reopen();
  EXPECT_EQ(run.samples().size(), 5u);
  progress_.lines.clear();
  ASSERT_TRUE(MeasurePending(run, StopsAt(-1, ExitCode::kOk), progress_, interrupt_));
  EXPECT_EQ(run.samples().size(), 12u);
  EXPECT_EQ(measured_.size(), 12u);  // none twice
  EXPECT_EQ(progress_.lines.front(), "start 5 " + run.plan().steps[5].arm);
}

TEST_F(RunLoop, ALackOfTheHostStopsTheRunAndKeepsWhatWasMeasured) {
  RunFolder run = Create();
  Result<void> stopped =
      MeasurePending(run, StopsAt(2, ExitCode::kEnvironment), progress_, interrupt_);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ExitCode::kEnvironment);
  EXPECT_EQ(stopped.error().message, "stopped");
  EXPECT_EQ(run.samples().size(), 2u);
}

TEST_F(RunLoop, AFailedSampleIsASampleAndTheRunGoesOn) {
  RunFolder run = Create();
  auto fails = [](const Step& step, const std::string& console, bool) -> Result<Sample> {
    Sample sample = SampleOf(step);
    sample.status = SampleStatus::kFailed;
    sample.failure = Failure{"boot", "kernel panic", "tail", console};
    return sample;
  };
  ASSERT_TRUE(MeasurePending(run, fails, progress_, interrupt_));
  EXPECT_EQ(run.samples().size(), 12u);
  EXPECT_TRUE(run.PendingSteps().empty());
  EXPECT_EQ(run.samples()[0].failure->console, run.ConsoleName(run.plan().steps[0]));
}

TEST_F(RunLoop, AnInterruptBetweenStepsStartsNoOther) {
  RunFolder run = Create();
  auto measure = [this](const Step& step, const std::string&, bool) -> Result<Sample> {
    if (run_count_++ == 3) interrupt_.Raise(SIGINT);
    return SampleOf(step);
  };
  Result<void> stopped = MeasurePending(run, measure, progress_, interrupt_);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ExitCode::kInterrupted);
  // The step that was whole when the signal came is kept.
  EXPECT_EQ(run.samples().size(), 4u);
}

TEST_F(RunLoop, EachArmWithASystemToExchangeShowsItsUpgradeOnce) {
  RunFolder run = Create();
  std::vector<std::string> upgraded;
  auto measure = [&](const Step& step, const std::string&, bool with_upgrade) -> Result<Sample> {
    Sample sample = SampleOf(step);
    if (with_upgrade) {
      upgraded.push_back(step.arm);
      sample.raw["upgrade"] = nlohmann::json::object();
    }
    return sample;
  };
  ASSERT_TRUE(MeasurePending(run, measure, progress_, interrupt_));
  EXPECT_THAT(upgraded, testing::UnorderedElementsAre("coarse", "fine-blendfs"));
}

TEST_F(RunLoop, AnUpgradeThatDidNotHappenIsTriedInTheNextBlock) {
  RunFolder run = Create();
  int asked = 0;
  auto measure = [&](const Step& step, const std::string&, bool with_upgrade) -> Result<Sample> {
    asked += with_upgrade && step.arm == "fine-blendfs";
    return SampleOf(step);  // failed before it came to that
  };
  ASSERT_TRUE(MeasurePending(run, measure, progress_, interrupt_));
  EXPECT_EQ(asked, 3);
}

// Each block on a machine of its own knows nothing of the others' samples.
TEST_F(RunLoop, OfBlocksInFoldersOfTheirOwnTheFirstShowsTheUpgrade) {
  RunFolder run = Create();
  int shown = 0;
  for (const int block : {0, 1}) {
    run.OnlyBlock(block);
    for (const Step& step : run.PendingSteps())
      if (WantsUpgrade(run, step)) {
        EXPECT_EQ(step.block, 0);
        ++shown;
      }
  }
  EXPECT_EQ(shown, 2);  // coarse, fine-blendfs
}

TEST_F(RunLoop, WithoutUpgradesInTheSpecThereAreNone) {
  experiment_.upgrade = false;
  RunFolder run = Create();
  for (const Step& step : run.plan().steps) EXPECT_FALSE(WantsUpgrade(run, step));
}

}  // namespace
}  // namespace blendbench
