// SPDX-License-Identifier: MIT
// What is said to hosts over ssh, and what becomes of blocks when a host fails. Programs on PATH stand for ssh and scp,
// folders for the hosts.
#include <gmock/gmock.h>

#include "harness/cluster/ssh.h"
#include "harness/tests/cluster_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(SshCommandsTest, AreArgumentVectorsOfPlainWords) {
  const SshCommands commands("/c/ssh config", "cache/x", "run-1");
  EXPECT_THAT(
      commands.DoBlock("me@a", "bundle-1", 3, {"--tune"}),
      ElementsAre("ssh", "-tt", "-F", "/c/ssh config", "-o", "BatchMode=yes", "-o",
                  "LogLevel=ERROR", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15", "-o",
                  "ServerAliveCountMax=4", "--", "me@a", "cache/x/bundle-1/bin/blendbench", "block",
                  "3", "--bundle", "cache/x/bundle-1", "--results", "cache/x/runs/run-1", "--node",
                  "me@a", "--tune"));
  const SshCommands usual("", "/d", "run-1");
  EXPECT_THAT(usual.FetchBlock("a", 3, "/r/in coming"),
              ElementsAre("scp", "-q", "-r", "-p", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
                          "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15", "-o",
                          "ServerAliveCountMax=4", "--", "a:/d/runs/run-1/b003", "/r/in coming/"));
  EXPECT_THAT(usual.SendBundle("a", "/r/bundle-1"), Contains("a:/d/"));
  EXPECT_THAT(usual.MakeFolder("a"), Contains("/d/runs/run-1"));
  EXPECT_THAT(usual.RemoveBundle("a", "bundle-1"), Contains("/d/bundle-1"));
  EXPECT_THAT(usual.CheckBundle("a", "bundle-1"), Contains("--check"));
}

class SshTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    const std::string here = folder_.path().string();
    // Host NAME is the folder hosts/NAME. Words of options before "--" are passed over. A block is "measured" by
    // copying what is prepared; on a host with a file "bad" it fails.
    Program("ssh", "here=" + here + R"sh(
printf '%s|' "$@" >>"$here/asked"; echo >>"$here/asked"
while [ "$1" != -- ]; do shift; done
host=$2; shift 2
cd "$here/hosts/$host" || { echo "no route to host"; exit 255; }
case $1 in
  mkdir | rm) exec "$@" ;;
esac
[ -x "$1" ] || { echo "not found: $1"; exit 127; }
case "$*" in
  *--check*) exit 0 ;;
esac
block=$(printf 'b%03d' "$3")
while [ "$1" != --results ]; do shift; done
[ ! -e bad ] || { echo "the disk is full"; exit 3; }
cp -r "$here/prepared/$block" "$2/"
)sh");
    Program("scp", "here=" + here + R"sh(
while [ "$1" != -- ]; do shift; done
local_name() { case $1 in *:*) echo "$here/hosts/${1%%:*}/${1#*:}" ;; *) echo "$1" ;; esac; }
exec cp -r "$(local_name "$2")" "$(local_name "$3")"
)sh");
    for (const char* host : {"a", "b"}) fs::create_directories(folder_.path() / "hosts" / host);
    cluster_.executor = "ssh";
    cluster_.hosts = {"a", "b"};
    cluster_.remote_folder = "kept";
  }
  Result<RunOutcome> Execute(RunFolder& run) {
    RunConfig config;
    config.qemu = "qemu-here";
    return ExecuteElsewhere(run, config, cluster_, progress_, interrupt_);
  }
  // The hosts that were asked to do a block.
  std::vector<std::string> Asked(int block) const {
    std::vector<std::string> hosts;
    for (const std::string& line : LinesOf("asked"))
      for (const char* host : {"a", "b", "c"})
        if (line.find("|--|" + std::string(host) + "|") != std::string::npos &&
            line.find("|block|" + std::to_string(block) + "|--bundle|") != std::string::npos)
          hosts.push_back(host);
    return hosts;
  }

  ClusterConfig cluster_;
  RecordingProgress progress_;
  Interrupt interrupt_;
};

TEST_F(SshTest, HostsGetTheBundleAndBlocksAndTheirResultsComeBack) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "ssh");
  LeaveAllBlocks(bundle, folder_.path() / "prepared");
  const auto outcome = Execute(run);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->done, 9);
  EXPECT_EQ(progress_.finished, 9);
  EXPECT_THAT(Asked(0), ElementsAre("a"));
  EXPECT_THAT(Asked(1), ElementsAre("b"));
  EXPECT_EQ(Asked(2).size(), 1u);
  for (const char* host : {"a", "b"})
    EXPECT_TRUE(fs::exists(folder_.path() / "hosts" / host / "kept" / bundle.name() / "block.sh"));
  EXPECT_THAT(progress_.notes, Contains("sending the bundle to b"));
  EXPECT_THAT(progress_.warnings, IsEmpty());
  EXPECT_EQ((*ReadClusterRecord(run.dir()))->hosts.at(1), "b");
}

TEST_F(SshTest, AHostThatFailsLosesItsBlocksToAnother) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "ssh");
  LeaveAllBlocks(bundle, folder_.path() / "prepared");
  cluster_.hosts = {"a", "b", "c"};  // c is not there at all
  Write("hosts/b/bad", "");
  const auto outcome = Execute(run);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->done, 9);
  std::string told;
  for (const Warning& warning : progress_.warnings) told += LineOf(warning) + "\n";
  EXPECT_THAT(told, HasSubstr("no route to host"));
  EXPECT_THAT(told, HasSubstr("the disk is full"));
  EXPECT_THAT(Asked(1), Contains("a"));
  EXPECT_THAT(Asked(0), Not(Contains("c")));
}

TEST_F(SshTest, WithoutAMachineItEndsAndGoesOnLater) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "ssh");
  LeaveAllBlocks(bundle, folder_.path() / "prepared");
  LeaveBlock(bundle, Results(), 0, SamplesOf(bundle, 0, kMachineA));
  for (const char* host : {"a", "b"}) Write(std::string("hosts/") + host + "/bad", "");
  const auto failed = Execute(run);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ExitCode::kEnvironment);
  EXPECT_THAT(failed.error().message, HasSubstr("no machine is left"));
  EXPECT_EQ(run.samples().size(), 3u) << "the block that is whole has entered";
  EXPECT_EQ(Asked(1).size() + Asked(2).size(), 6u) << "three turns a host";
  fs::remove(folder_.path() / "hosts" / "a" / "bad");
  ASSERT_TRUE(Execute(run));
  EXPECT_TRUE(run.PendingSteps().empty());
  EXPECT_THAT(Asked(0), IsEmpty());
}

TEST_F(SshTest, AHalfBlockIsNotTaken) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "ssh");
  LeaveAllBlocks(bundle, folder_.path() / "prepared");
  std::vector<Sample> half = SamplesOf(bundle, 2, kMachineA);
  half.pop_back();
  LeaveBlock(bundle, folder_.path() / "prepared", 2, half, false);
  cluster_.hosts = {"a"};
  EXPECT_FALSE(Execute(run));
  EXPECT_FALSE(fs::exists(Results() / "b002"));
  EXPECT_EQ(run.samples().size(), 6u);
  std::string told;
  for (const Warning& warning : progress_.warnings) told += LineOf(warning);
  EXPECT_THAT(told, HasSubstr("not a whole block"));
}

TEST_F(SshTest, WordsThatAShellWouldReadAreRefused) {
  RunFolder run = NewRun();
  cluster_.remote_folder = "$(touch x)";
  EXPECT_EQ(Execute(run).error().code, ExitCode::kUsage);
  cluster_.remote_folder = "kept";
  cluster_.hosts = {"a", "-oProxyCommand=touch"};
  EXPECT_EQ(Execute(run).error().code, ExitCode::kUsage);
  cluster_.hosts = {};
  EXPECT_EQ(Execute(run).error().code, ExitCode::kUsage);
  cluster_.hosts = {"a"};
  cluster_.slurm_options = {"time=1"};
  EXPECT_EQ(Execute(run).error().code, ExitCode::kUsage);
  EXPECT_THAT(LinesOf("asked"), IsEmpty());
}

}  // namespace
}  // namespace blendbench
