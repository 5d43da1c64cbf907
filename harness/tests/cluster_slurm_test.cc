// SPDX-License-Identifier: MIT
// What is said to Slurm and understood of it. Programs on PATH stand for Slurm; the real one is in tests/cluster.
#include <gmock/gmock.h>

#include "harness/cluster/slurm.h"
#include "harness/tests/cluster_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SlurmCommands, OneTaskIsOneBlockAloneOnItsMachine) {
  const SlurmJob job{"blendbench-0123", {0, 1, 2, 5},        "/r/bundle-1",     "/r/blocks",
                     "/var/tmp",        "/r/cluster folder", {"--partition=a"}, {"--tune"}};
  EXPECT_THAT(*SubmitCommand(job),
              ElementsAre("sbatch", "--parsable", "--job-name=blendbench-0123", "--array=0-2,5",
                          "--nodes=1", "--ntasks=1", "--exclusive", "--requeue",
                          "--open-mode=append", "--output=/r/cluster folder/slurm-%A_%a.log",
                          "--chdir=/", "--export=NIL", "--partition=a", "/r/bundle-1/block.sh",
                          "/r/bundle-1", "/r/blocks", "/var/tmp", "--tune"));
  SlurmJob pattern = job;
  pattern.logs = "/r/100%/cluster";
  EXPECT_EQ(SubmitCommand(pattern).error().code, ExitCode::kUsage);
}

TEST(SlurmCommands, AnswersAreDoubted) {
  EXPECT_EQ(JobIdOf("17\n"), "17");
  EXPECT_EQ(JobIdOf("17;north\n"), "17");
  for (const char* answer : {"", "Submitted batch job 17", "-1", "17x", "17 18"})
    EXPECT_EQ(JobIdOf(answer), std::nullopt) << answer;
  const auto tasks =
      ParseQueue("17|0|RUNNING|node1|None\n17|3|PENDING||Resources\n\n17|4|PENDING||a | b\n");
  ASSERT_TRUE(tasks) << tasks.error();
  ASSERT_EQ(tasks->size(), 3u);
  EXPECT_EQ((*tasks)[0].node, "node1");
  EXPECT_EQ((*tasks)[1].block, 3);
  EXPECT_EQ((*tasks)[1].reason, "Resources");
  EXPECT_EQ((*tasks)[2].reason, "a | b");
  EXPECT_THAT(*ParseQueue(""), IsEmpty());
  for (const char* answer : {"slurm_load_jobs error", "17|N/A|RUNNING|a|b", "x|0|RUNNING|a|b",
                             "17|0", "17|99999999999|RUNNING|a|b"})
    EXPECT_FALSE(ParseQueue(answer)) << answer;
}

class SlurmTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    // sbatch notes its arguments and does at once what the tasks would: it puts the blocks it has in place.
    Program("sbatch", "here=" + folder_.path().string() +
                          "\nfor word in \"$@\"; do printf '%s\\n' \"$word\"; done >>$here/asked\n"
                          "echo -- >>$here/asked\n"
                          "for block in $here/prepared/b*; do\n"
                          "  [ -d \"$block\" ] && cp -r \"$block\" " +
                          Results().string() +
                          "/\ndone\n[ ! -e $here/refuse ] || exit 1\necho 17\n");
    Program("squeue", "for word in \"$@\"; do printf '%s\\n' \"$word\"; done >" +
                          folder_.path().string() + "/queue-asked\ncat " + folder_.path().string() +
                          "/queue 2>/dev/null\n" + "rm -f " + folder_.path().string() + "/queue\n");
    Program("sacct", "echo 'NODE_FAIL|0:1|node1'\n");
    cluster_.executor = "slurm";
    cluster_.poll_s = 0.05;
    cluster_.lost_after_s = 0.1;
    cluster_.slurm_options = {"partition=long"};
  }
  fs::path Prepared() const { return folder_.path() / "prepared"; }
  Result<RunOutcome> Execute(RunFolder& run) {
    return ExecuteElsewhere(run, {}, cluster_, progress_, interrupt_);
  }

  ClusterConfig cluster_;
  RecordingProgress progress_;
  Interrupt interrupt_;
};

TEST_F(SlurmTest, BlocksAreSubmittedAwaitedAndMerged) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  LeaveAllBlocks(bundle, Prepared());
  const auto outcome = Execute(run);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->done, 9);
  EXPECT_EQ(outcome->failed, 0);
  EXPECT_EQ(progress_.finished, 9);
  const auto asked = LinesOf("asked");
  const auto record = *ReadClusterRecord(run.dir());
  EXPECT_THAT(record->jobs, ElementsAre("17"));
  EXPECT_THAT(asked, Contains("--array=0-2"));
  EXPECT_THAT(asked, Contains("--partition=long"));
  EXPECT_THAT(asked, Contains("--job-name=" + record->job_name));
  EXPECT_THAT(asked, Contains((bundle.folder / "block.sh").string()));
  EXPECT_THAT(asked, Contains("--qemu"));
  EXPECT_THAT(LinesOf("queue-asked"), Contains("--name=" + record->job_name));
  // Again there is nothing to ask Slurm for.
  fs::remove(folder_.path() / "asked");
  EXPECT_EQ(Execute(run)->done, 9);
  EXPECT_THAT(LinesOf("asked"), IsEmpty());
}

TEST_F(SlurmTest, ATaskThatIsLostIsNamedWithItsReasonAndSubmittedOnResume) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  LeaveAllBlocks(bundle, Prepared());
  fs::rename(Prepared() / "b001", folder_.path() / "later");
  fs::create_directories(ClusterLogs(run.dir()));
  std::ofstream(ClusterLogs(run.dir()) / "slurm-17_1.log") << "booting\nno space on node1\n";
  const auto failed = Execute(run);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ExitCode::kEnvironment);
  for (const char* words : {"blocks 1 have left", "NODE_FAIL", "no space on node1", "--resume"})
    EXPECT_THAT(failed.error().message, HasSubstr(words));
  EXPECT_EQ(run.samples().size(), 6u) << "what is whole has entered";
  fs::rename(folder_.path() / "later", Prepared() / "b001");
  fs::remove(folder_.path() / "asked");
  const auto outcome = Execute(run);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->done, 9);
  EXPECT_THAT(LinesOf("asked"), Contains("--array=1"));
}

TEST_F(SlurmTest, WhatIsInTheQueueIsNotSubmittedAgain) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  LeaveBlock(bundle, Results(), 0, SamplesOf(bundle, 0, kMachineA));  // done while nobody waited
  LeaveAllBlocks(bundle, Prepared());
  Write("queue", "16|1|RUNNING|node1|None\n16|2|PENDING||Resources\n");
  // They come to their end when the queue is asked again.
  Program("squeue", "here=" + folder_.path().string() +
                        "\nif [ -e $here/queue ]; then cat $here/queue; mv $here/queue $here/past\n"
                        "else cp -r $here/prepared/b001 $here/prepared/b002 " +
                        Results().string() + "/; fi\n");
  const auto outcome = Execute(run);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->done, 9);
  EXPECT_THAT(LinesOf("asked"), IsEmpty());
  EXPECT_THAT(progress_.notes, Contains("block 1: RUNNING on node1"));
  EXPECT_THAT(progress_.notes, Contains("block 2: PENDING (Resources)"));
  EXPECT_THAT((*ReadClusterRecord(run.dir()))->jobs, ElementsAre("16"));
}

TEST_F(SlurmTest, WhoIsInterruptedIsToldHowToComeBack) {
  RunFolder run = NewRun();
  BundleOf(run, "slurm");
  Program("squeue", "echo '18|0|RUNNING|node1|None'\nkill -INT $PPID\n");
  interrupt_.CatchSignals();
  cluster_.poll_s = 60;
  const auto interrupted = Execute(run);
  ASSERT_FALSE(interrupted);
  EXPECT_EQ(interrupted.error().code, ExitCode::kInterrupted);
  EXPECT_THAT(interrupted.error().message, HasSubstr("--resume"));
}

TEST_F(SlurmTest, ARefusalOfSbatchAndASilentControllerAreTold) {
  RunFolder run = NewRun();
  BundleOf(run, "slurm");
  Write("refuse", "");
  EXPECT_THAT(Execute(run).error().message, HasSubstr("sbatch did not take the job"));
  Program("sbatch", "echo Submitted\n");
  EXPECT_THAT(Execute(run).error().message, HasSubstr("it answered \"Submitted"));
  Program("squeue", "echo Unable to contact the controller >&2\nkill -INT $PPID\nexit 1\n");
  interrupt_.CatchSignals();
  EXPECT_EQ(Execute(run).error().code, ExitCode::kInterrupted);
}

TEST_F(SlurmTest, OptionsThatDoNotFitAreRefusedBeforeAnythingBegins) {
  RunFolder run = NewRun();
  cluster_.slurm_options = {"array=0-9"};
  EXPECT_EQ(Execute(run).error().code, ExitCode::kUsage);
  cluster_.slurm_options = {};
  cluster_.hosts = {"a"};
  EXPECT_EQ(Execute(run).error().code, ExitCode::kUsage);
  cluster_.hosts = {};
  RunConfig diagnose;
  diagnose.diagnose = true;
  EXPECT_EQ(ExecuteElsewhere(run, diagnose, cluster_, progress_, interrupt_).error().code,
            ExitCode::kUsage);
  EXPECT_FALSE(fs::exists(Results()));
}

TEST_F(SlurmTest, ARunStaysWithItsExecutor) {
  RunFolder run = NewRun();
  EXPECT_TRUE(CheckExecutor(run, "slurm"));
  EXPECT_TRUE(CheckExecutor(run, "local"));
  const Bundle bundle = BundleOf(run, "slurm");
  EXPECT_TRUE(CheckExecutor(run, "slurm"));
  EXPECT_THAT(CheckExecutor(run, "local").error().message,
              HasSubstr("was begun with --executor slurm"));
  EXPECT_FALSE(CheckExecutor(run, "ssh"));
  fs::remove(run.dir() / "cluster.json");
  ASSERT_TRUE(run.Append(SamplesOf(bundle, 0, kMachineA)[0]));
  EXPECT_THAT(CheckExecutor(run, "slurm").error().message, HasSubstr("--executor local"));
  std::ofstream(run.dir() / "cluster.json") << R"({"executor": 3})";
  EXPECT_EQ(CheckExecutor(run, "slurm").error().code, ExitCode::kEnvironment);
}

}  // namespace
}  // namespace blendbench
