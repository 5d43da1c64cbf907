// SPDX-License-Identifier: MIT
// Experiments on the host end to end, as a user runs them: real mounts, a table at the end, and nothing
// left behind on any way out. Needs root, loop devices and /dev/fuse; skipped with the reason where
// something is missing.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "harness/base/files.h"
#include "harness/guest/process.h"
#include "harness/host/isolated.h"
#include "harness/host/programs.h"
#include "harness/store/run_folder.h"
#include "harness/tests/blendbench_for_test.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

std::string AllOf(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class HostRunTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: mounts";
    if (::access("/dev/loop-control", R_OK | W_OK) != 0) GTEST_SKIP() << "no loop devices";
    if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "no /dev/fuse";
    setenv("BLENDBENCH_HOME", BLEND_SOURCE_DIR, 1);
  }
  void TearDown() override { unsetenv("BLENDBENCH_HOME"); }

  std::string Runs() const { return (folder_.path() / "runs").string(); }
  std::string Write(const std::string& name, const std::string& text) {
    const fs::path path = folder_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }
  std::string Program(const std::string& name, const std::string& script) {
    const std::string path = Write(name, "#!/bin/sh\n" + script);
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  std::vector<std::string> Arguments(const std::string& spec, const std::string& run) const {
    return {"run", spec,          "--out",         Runs(),      "--run",
            run,   "--blendload", BLEND_BLENDLOAD, "--blendfs", BLEND_BLENDFS};
  }
  int Blendbench(std::vector<std::string> arguments) {
    const Called answer = CallBlendbench(std::move(arguments));
    out_ = answer.out;
    err_ = answer.err;
    return answer.status;
  }
  std::map<std::string, Sample> SamplesOf(const std::string& run) {
    std::map<std::string, Sample> samples;
    const auto folder = RunFolder::OpenForReading(fs::path(Runs()) / run);
    if (!folder) return samples;
    for (const Sample& sample : folder->samples()) samples[sample.arm] = sample;
    return samples;
  }
  // Mounts, loop devices and processes that have to do with this test's folder.
  std::string Left() const {
    const std::string mine = folder_.path().string();
    std::string left;
    if (AllOf("/proc/self/mountinfo").find(mine) != std::string::npos) left += "a mount; ";
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/sys/block", ignored))
      if (AllOf(entry.path() / "loop/backing_file").find(mine) != std::string::npos)
        left += entry.path().string() + "; ";
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
      const std::string command = AllOf(entry.path() / "cmdline");
      if (command.find(mine + "/runs") != std::string::npos &&
          entry.path().filename() != std::to_string(::getpid()))
        left += command + "; ";
    }
    return left;
  }
  // A kill is not waited for by those it takes down.
  std::string LeftAfterAWhile() const {
    const Deadline deadline = Deadline::After(20);
    while (!Left().empty() && !deadline.passed()) ::usleep(50'000);
    return Left();
  }

  TemporaryFolder folder_;
  std::string out_, err_;
};

constexpr const char* kArms = R"toml(
[[arm]]
id = "ext4"
engine = "plain"
reference = true
[[arm]]
id = "overlayfs"
engine = "overlayfs"
[[arm]]
id = "blendfs"
engine = "blendfs"
)toml";

TEST_F(HostRunTest, AFolderOfRunsNamedFromHereServesAsWell) {
  const std::string spec = Write("near.toml", std::string(R"toml(name = "near"
substrate = "host"
blocks = 1
cases = ["untar"]
)toml") + kArms);
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  auto arguments = Arguments(spec, "r");
  arguments[3] = "runs";
  EXPECT_EQ(Blendbench(arguments), 0) << err_ << out_;
  fs::current_path(before);
  EXPECT_EQ(SamplesOf("r").size(), 3u);
}

TEST_F(HostRunTest, ThreeEnginesSideBySideAndNothingLeft) {
  const std::string spec = Write("tiny.toml", std::string(R"toml(name = "tiny"
substrate = "host"
blocks = 1
cases = ["untar", "layers3-find"]
)toml") + kArms);
  EXPECT_EQ(Blendbench(Arguments(spec, "r")), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("speed relative to ext4, above 1 is faster"));
  EXPECT_THAT(out_, HasSubstr("3 of 3 samples, 0 failed"));
  const auto samples = SamplesOf("r");
  ASSERT_EQ(samples.size(), 3u);
  for (const auto& [arm, sample] : samples) {
    EXPECT_EQ(sample.status, SampleStatus::kOk) << arm;
    for (const char* metric : {"untar.wall_s", "layers3-find.wall_s"})
      EXPECT_GT(sample.metrics.at(metric), 0) << arm << " " << metric;
    EXPECT_EQ(sample.metrics.count("untar.cpu_s"), 1u) << arm;
    EXPECT_EQ(sample.raw["cases"]["untar"]["count"], 1750);
    EXPECT_EQ(sample.provenance["substrate"], "host");
  }
  EXPECT_EQ(samples.at("overlayfs").raw["mount_type"], "overlay");
  EXPECT_EQ(samples.at("blendfs").raw["mount_type"], "fuse.blendfs");
  EXPECT_EQ(samples.at("ext4").raw["mount_type"], "ext4");
  // Only a user-space file system has a daemon whose time counts.
  EXPECT_EQ(samples.at("overlayfs").raw["cases"]["untar"]["daemon_cpu_s"], 0);
  EXPECT_GT(samples.at("blendfs").raw["cases"]["untar"]["daemon_cpu_s"], 0);
  EXPECT_EQ(Left(), "");
  EXPECT_FALSE(fs::exists(fs::path(Runs()) / "r" / "scratch"));
  // What is finished is not measured again, and the views read it.
  std::vector<std::string> again = Arguments(spec, "r");
  again.push_back("--resume");
  EXPECT_EQ(Blendbench(again), 0) << err_;
  EXPECT_EQ(Blendbench({"show", "r", "--out", Runs()}), 0);
  EXPECT_THAT(out_, HasSubstr("layers3-find"));
  EXPECT_EQ(Blendbench({"export", "r", "--out", Runs()}), 0);
  EXPECT_EQ(json::parse(out_)["host"]["cases"].size(), 2u);
  EXPECT_EQ(json::parse(out_)["run"]["emulated"], false);
}

// Engines given by the spec: a good one, one that shows an empty tree, one that is not installed.
TEST_F(HostRunTest, EnginesOfTheSpecAreMeasuredDoubtedAndReported) {
  const std::string bind = Program("bind-engine", "mount --bind \"${1%%:*}\" \"$2\"\n");
  const std::string empty = Program("empty-engine", "mount -t tmpfs none \"$2\"\n");
  const auto engine = [](const std::string& name, const std::string& program) {
    return "[[engine]]\nname = \"" + name + "\"\nprogram = \"" + program + "\"\npackage = \"" +
           name +
           "-tools\"\nmount = [\"{program}\", \"{lowers}\", "
           "\"{target}\"]\ncannot = { copy-up = \"shows its lower layer as it is\" }\n"
           "[[arm]]\nid = \"" +
           name + "\"\nengine = \"" + name + "\"\n";
  };
  const std::string spec = Write("engines.toml", std::string(R"toml(name = "engines"
substrate = "host"
blocks = 1
cases = ["layers1-find", "chmod-2k-lower"]
[[arm]]
id = "ext4"
engine = "plain"
reference = true
)toml") + engine("made-up", bind) + engine("empty", empty) +
                                                     engine("absent", "/nowhere/absent"));
  EXPECT_EQ(Blendbench(Arguments(spec, "r")), 4) << err_;
  EXPECT_THAT(err_, HasSubstr("absent: not available here: there is no program /nowhere/absent, "
                              "install the package absent-tools"));
  EXPECT_THAT(out_, HasSubstr("skipped: absent: not available here"));
  EXPECT_THAT(out_, HasSubstr("skipped: made-up: shows its lower layer as it is"));
  EXPECT_THAT(out_, HasSubstr("failed: empty, layers1-find: "));
  const auto samples = SamplesOf("r");
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(samples.at("made-up").status, SampleStatus::kOk);
  EXPECT_EQ(samples.at("made-up").metrics.count("layers1-find.wall_s"), 1u);
  EXPECT_EQ(samples.at("made-up").metrics.count("chmod-2k-lower.wall_s"), 0u);
  // Fast, and wrong: no number comes of it.
  EXPECT_EQ(samples.at("empty").status, SampleStatus::kFailed);
  EXPECT_THAT(samples.at("empty").failure->reason, HasSubstr("wrong result: find saw 0 entries"));
  EXPECT_EQ(samples.at("empty").metrics.count("layers1-find.wall_s"), 0u);
  EXPECT_EQ(samples.at("absent").status, SampleStatus::kOk);
  EXPECT_EQ(samples.at("absent").raw["skipped"].size(), 2u);
  EXPECT_EQ(Left(), "");
}

TEST_F(HostRunTest, WhatIsMissingOrMistakenIsOneLine) {
  const std::string spec = Write("tiny.toml", std::string(R"toml(name = "tiny"
substrate = "host"
blocks = 1
cases = ["layers1-find"]
)toml") + kArms);
  std::vector<std::string> arguments = Arguments(spec, "r");
  arguments[7] = "/nowhere/blendload";
  EXPECT_EQ(Blendbench(arguments), 3);
  EXPECT_THAT(err_, HasSubstr("/nowhere/blendload: there is no such program"));
  arguments = Arguments(spec, "r2");
  arguments.insert(arguments.end(), {"--substrate", "tcg"});
  EXPECT_EQ(Blendbench(arguments), 2);
  EXPECT_THAT(err_, HasSubstr("is for the host"));
  EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 1);
  EXPECT_EQ(Blendbench({"plan", spec}), 0);
  EXPECT_THAT(out_, HasSubstr("1 blocks of 3 arms, 3 samples, 1 cases each"));
}

// Real programs: one that needs nothing but SQLite, one that needs what the images bring, or is skipped.
TEST_F(HostRunTest, ProgramsRunOverEveryEngineOrSayWhatTheyLack) {
  if (FindProgram("sqlite3").empty()) GTEST_SKIP() << "there is no sqlite3";
  const std::string spec = Write("programs.toml", std::string(R"toml(name = "programs"
substrate = "host"
blocks = 1
cases = ["database", "unpack"]
)toml") + kArms);
  setenv("BLEND_CACHE", folder_.path().c_str(), 1);
  EXPECT_EQ(Blendbench(Arguments(spec, "bare")), 0) << err_ << out_;
  unsetenv("BLEND_CACHE");
  EXPECT_THAT(err_, HasSubstr("unpack: no guest images: "));
  for (const auto& [arm, sample] : SamplesOf("bare")) {
    EXPECT_GT(sample.metrics.at("database.wall_s"), 0) << arm;
    EXPECT_GT(sample.metrics.at("database.cpu_s"), 0) << arm;
    EXPECT_EQ(sample.raw["cases"]["database"]["checked"], "300 transactions") << arm;
    EXPECT_EQ(sample.raw["cases"]["database"]["daemon_cpu_s"] > 0, arm == "blendfs");
    EXPECT_THAT(sample.raw["skipped"]["unpack"], HasSubstr("vm-images/build --out")) << arm;
  }

  // Images of which this needs the archive alone.
  const fs::path images = folder_.path() / "images";
  fs::create_directories(images);
  ASSERT_TRUE(
      RunChecked({"sh", "-ec",
                  "cd \"$1\"; mkdir t; seq 1000 >t/numbers; tar cf lua.tar t; : >package.deb; "
                  "tar cf workloads.tar lua.tar package.deb",
                  "sh", images.string()},
                 Deadline::After(10), nullptr));
  json manifest = {{"schema", 1}, {"kernel_version", "6"}};
  for (const char* name : {"system", "system_next", "app", "user", "monolithic", "kernel",
                           "initramfs", "workloads.tar"}) {
    std::ofstream(images / name, std::ios::app) << "";
    manifest["files"][fs::path(name).stem()] = {{"path", name},
                                                {"sha256", *Sha256OfFile(images / name)},
                                                {"bytes", fs::file_size(images / name)}};
  }
  Write("images/manifest.json", manifest.dump());
  std::vector<std::string> arguments = Arguments(spec, "r");
  arguments.insert(arguments.end(), {"--images", images.string()});
  EXPECT_EQ(Blendbench(arguments), 0) << err_ << out_;
  for (const auto& [arm, sample] : SamplesOf("r")) {
    EXPECT_GT(sample.metrics.at("unpack.wall_s"), 0) << arm;
    EXPECT_EQ(sample.raw["cases"]["unpack"]["checked"], "10 copies of 2 objects") << arm;
    EXPECT_EQ(sample.provenance["images"].size(), 1u) << arm;
    EXPECT_EQ(sample.provenance["script_sha256"].size(), 2u) << arm;
  }
  EXPECT_EQ(Left(), "");
}

// Ended in the middle of a case, by Ctrl-C and by a kill that nobody can catch.
class HostRunEnded : public HostRunTest, public testing::WithParamInterface<int> {};

TEST_P(HostRunEnded, LeavesNoMountLoopDeviceOrDaemon) {
  // The engine's daemon stays, and the case waits for ever behind it.
  const std::string stuck = Program("stuck-engine",
                                    "[ $# -eq 2 ] || exit 1  # asked for its version, outside\n"
                                    "mount --bind \"$1\" \"$2\"\n"
                                    "sleep 1000 >/dev/null 2>&1 &\n");
  const std::string load = Program(
      "slow-load", "case $1 in prepare|walk) exec " BLEND_BLENDLOAD " \"$@\" ;; esac\ntouch " +
                       folder_.path().string() + "/began\nexec sleep 1000\n");
  const std::string spec = Write("stuck.toml", std::string(R"toml(name = "stuck"
substrate = "host"
blocks = 1
cases = ["layers1-find"]
[[engine]]
name = "stuck"
program = ")toml") + stuck + R"toml("
mount = ["{program}", "{lowers}", "{target}"]
[[arm]]
id = "stuck"
engine = "stuck"
reference = true
)toml");
  std::vector<std::string> argv = Arguments(spec, "r");
  argv[7] = load;
  argv.insert(argv.begin(), BLEND_BLENDBENCH);
  auto process = Process::Spawn(argv, SpawnOptions{});
  ASSERT_TRUE(process) << process.error();
  const Deadline deadline = Deadline::After(60);
  while (!fs::exists(folder_.path() / "began") && !process->TryWait() && !deadline.passed())
    ::usleep(20'000);
  ASSERT_TRUE(fs::exists(folder_.path() / "began")) << "the case never began";
  EXPECT_NE(Left(), "") << "the check would not see what is left";
  ::kill(process->pid(), GetParam());
  while (!process->TryWait() && !deadline.passed()) ::usleep(20'000);
  ASSERT_TRUE(process->TryWait());
  if (GetParam() == SIGINT) {
    EXPECT_EQ(process->TryWait()->code, 130);
    EXPECT_FALSE(fs::exists(fs::path(Runs()) / "r" / "scratch"));
  }
  EXPECT_EQ(LeftAfterAWhile(), "");
}
INSTANTIATE_TEST_SUITE_P(By, HostRunEnded, testing::Values(SIGINT, SIGKILL));

TEST_F(HostRunTest, TheIsolatedPlaceTellsItsErrorsAndEndsInTime) {
  const fs::path log = folder_.path() / "log";
  std::vector<json> heard;
  const auto hear = [&](const json& message) { heard.push_back(message); };
  const auto good = RunIsolated(
      [](const Say& say) -> Outcome<void> {
        say({{"pid", ::getpid()}});
        printf("to the log\n");
        fflush(stdout);
        return {};
      },
      hear, log, Deadline::After(20), nullptr);
  EXPECT_TRUE(good) << good.error();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0]["pid"], 1);  // the first process of its namespace
  EXPECT_THAT(AllOf(log), HasSubstr("to the log"));

  const auto bad = RunIsolated([](const Say&) -> Outcome<void> { return Unexpected("no luck"); },
                               hear, log, Deadline::After(20), nullptr);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error(), "no luck");
  const auto killed = RunIsolated(
      [](const Say&) -> Outcome<void> {
        ::abort();
        return {};
      },
      hear, log, Deadline::After(20), nullptr);
  ASSERT_FALSE(killed);
  const auto late = RunIsolated(
      [](const Say&) -> Outcome<void> {
        for (;;) ::pause();
      },
      hear, log, Deadline::After(0.2), nullptr);
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error(), HasSubstr("timed out"));
}

}  // namespace
}  // namespace blendbench
