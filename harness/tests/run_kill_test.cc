// SPDX-License-Identifier: MIT
// blendbench killed again and again while it appends samples: what is finished by --resume afterwards is what an undisturbed run
// would have left. A fake stands in for guests, so that it takes a second.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/run/step_loop.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr int kBlocks = 60;
constexpr int kKills = 10;
// Large enough that a kill may come while a line is being written.
constexpr size_t kRawBytes = 100'000;

using Structure =
    std::set<std::tuple<int, int, std::string, std::string>>;  // block, order, arm, metric

class KilledRun : public testing::Test {
 protected:
  Plan plan_ = MakePlan(SmallExperiment(kBlocks), Sha256Hex(""));
  TemporaryFolder folder_;

  static Result<Sample> Measure(const Step& step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    Sample sample = OkSample(step.block, step.order, step.arm,
                             {{"boot.total_s", 10.0 + step.block}, {"fio.path_read_1m_mbps", 500}});
    sample.raw = {{"console", std::string(kRawBytes, 'x')}};
    return sample;
  }

  // What `run --resume` does, to the end or to the kill.
  void Work(const std::string& id) {
    const bool begun = fs::exists(folder_.path() / id / "plan.json");
    auto run = begun ? RunFolder::OpenForWriting(folder_.path() / id)
                     : RunFolder::Create(folder_.path(), id, plan_, "", "");
    if (!run) throw std::runtime_error(run.error().message);
    SilentProgress progress;
    Interrupt interrupt;
    auto done = MeasurePending(
        *run, [](const Step& step, const std::string&, bool) { return Measure(step); }, progress,
        interrupt);
    if (!done) throw std::runtime_error(done.error().message);
  }

  // Kills a process that works on the run after `wait`; whether it was still at work.
  bool KillAfter(const std::string& id, std::chrono::microseconds wait) {
    const pid_t child = fork();
    if (child == 0) {
      Work(id);
      _exit(0);
    }
    std::this_thread::sleep_for(wait);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }

  Structure StructureOf(const RunFolder& run) {
    Structure structure;
    for (const Sample& sample : run.samples())
      for (const auto& [metric, value] : sample.metrics)
        EXPECT_TRUE(structure.emplace(sample.block, sample.order, sample.arm, metric).second)
            << "block " << sample.block << " " << sample.arm << " is there twice";
    return structure;
  }
};

TEST_F(KilledRun, TenTimesAtRandomAndFinishedEqualsAnUndisturbedOne) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int at_work = 0;
  size_t before = 0;
  for (int i = 0; i < kKills; ++i) {
    at_work += KillAfter("killed", std::chrono::microseconds(2'000 + random() % 40'000));
    auto run = RunFolder::OpenForReading(folder_.path() / "killed");
    if (!run) continue;  // killed before there was a plan
    EXPECT_GE(run->samples().size(), before) << "a sample that was on disk is gone";
    before = run->samples().size();
    for (const Warning& warning : run->warnings())  // at most the line that was being written
      EXPECT_EQ(warning.kind, WarningKind::kTornLine) << LineOf(warning);
  }
  EXPECT_EQ(at_work, kKills) << "the run was over too soon to be killed that often";
  Work("killed");
  Work("undisturbed");
  auto killed = RunFolder::OpenForReading(folder_.path() / "killed");
  auto undisturbed = RunFolder::OpenForReading(folder_.path() / "undisturbed");
  ASSERT_TRUE(killed && undisturbed);
  EXPECT_TRUE(killed->PendingSteps().empty());
  EXPECT_EQ(killed->warnings().size(), 0u);
  EXPECT_EQ(killed->samples().size(), plan_.steps.size());
  EXPECT_EQ(StructureOf(*killed), StructureOf(*undisturbed));
}

// The kill that matters most, made certain: in the middle of a line.
TEST_F(KilledRun, InTheMiddleOfALineCostsThatSampleOnly) {
  plan_ = MakePlan(SmallExperiment(6), Sha256Hex(""));
  KillAfter("r", std::chrono::milliseconds(20));
  const fs::path file = folder_.path() / "r" / "samples.jsonl";
  if (!fs::exists(file)) Work("r");
  const std::string whole = *ReadFile(file);
  const std::string next = ToJson(*Measure(plan_.steps.back())).dump();
  for (const size_t cut : {size_t{1}, next.size() / 2, next.size() - 1}) {
    std::ofstream(file, std::ios::binary) << whole << next.substr(0, cut);
    const size_t kept = RunFolder::OpenForReading(folder_.path() / "r")->samples().size();
    Work("r");
    auto run = RunFolder::OpenForReading(folder_.path() / "r");
    ASSERT_TRUE(run);
    EXPECT_GE(run->samples().size(), kept);
    EXPECT_EQ(run->samples().size(), plan_.steps.size());
    EXPECT_EQ(StructureOf(*run).size(), plan_.steps.size() * 2);
  }
}

}  // namespace
}  // namespace blendbench
