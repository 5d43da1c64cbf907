// SPDX-License-Identifier: MIT
// The real main, with its output in strings: what a user sees, and the exit status a script sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cli/places.h"
#include "harness/cli/terminal_progress.h"
#include "harness/store/run_folder.h"
#include "harness/tests/cli_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST_F(CliTest, HelpAndVersionGoToStandardOutput) {
  const Called version = CallBlendbench({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out.rfind("blendbench ", 0), 0u);
  EXPECT_THAT(CallBlendbench({"--help"}).out, HasSubstr("Exit status: 0 done"));
  for (const char* command :
       {"run",     "plan",     "export",  "show",   "verdict",    "list",      "doctor",
        "explain", "report",   "archive", "verify", "completion", "calibrate", "compare",
        "gate",    "baseline", "history", "import", "collect",    "block"}) {
    const Called help = CallBlendbench({command, "--help"});
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_THAT(help.out, HasSubstr(std::string("  blendbench ") + command)) << "needs an example";
    EXPECT_EQ(help.err, "");
  }
}

TEST_F(CliTest, WrongArgumentsAreOneLineAndTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"frobnicate"},
      {"run"},
      {"run", "quick"},
      {"run", "quick", "--images"},
      {"plan", "quick", "--bloks", "3"},
      {"plan", "quick", "--blocks", "0"},
      {"plan", "quick", "--blocks", "many"},
      {"plan", "quick", "--substrate", "host"},
      {"plan", "nowhere"},
      {"export", "x", "--out", Runs()},
      {"export", "x", "--format", "pdf"},
      {"show", "latest", "--out", Runs()},
      {"run", "quick", "--images", "i", "--run", "../x", "--out", Runs()}};
  for (const std::vector<std::string>& arguments : wrong) {
    const Called result = CallBlendbench(arguments);
    EXPECT_EQ(result.status, 2) << Join(arguments, " ");
    EXPECT_EQ(result.out, "");
    ExpectOneLine(result.err);
  }
}

TEST_F(CliTest, SpecErrorsNameFileLineAndRemedy) {
  std::string text = Profile("smoke");
  text.replace(text.find("blocks = 1"), 6, "blokcs");
  const Called key = CallBlendbench({"plan", Write("key.toml", text)});
  EXPECT_EQ(key.status, 2);
  EXPECT_THAT(key.err, HasSubstr("key.toml:"));
  EXPECT_THAT(key.err,
              HasSubstr("unknown key \"blokcs\" in the experiment; did you mean \"blocks\"?"));
  text = Profile("smoke");
  text.replace(text.find("\"overlayfs\""), 11, "\"aufs\"");
  const Called engine =
      CallBlendbench({"run", Write("engine.toml", text), "--images", "i", "--out", Runs()});
  EXPECT_EQ(engine.status, 2);
  EXPECT_THAT(engine.err, HasSubstr("unknown engine \"aufs\"; it must be one of: overlayfs, "
                                    "fuse-overlayfs, unionfs-fuse, blendfs"));
  EXPECT_FALSE(fs::exists(Runs()));  // nothing was begun
  EXPECT_THAT(CallBlendbench({"plan", "nowhere"}).err,
              HasSubstr("calibrate, calibrate-host, crowd, disk-speed, engines, host, host-full, "
                        "host-layers, host-quick, icount, icount-proof, image-size, layers, "
                        "memory, promises, quick, smoke, strategies, user-fill, verdict"));
  const Called claims =
      CallBlendbench({"plan", "smoke", "--claims", Write("c.toml", "[[clame]]\n")});
  EXPECT_EQ(claims.status, 2);
  EXPECT_THAT(claims.err, HasSubstr("did you mean \"claim\"?"));
}

TEST_F(CliTest, PlanShowsWhatARunWouldDo) {
  const Called plan = CallBlendbench({"plan", "quick", "--blocks", "7"});
  EXPECT_EQ(plan.status, 0);
  EXPECT_THAT(plan.out, HasSubstr("7 blocks of 5 arms, 35 guests"));
  EXPECT_THAT(plan.out, HasSubstr("minutes"));
  const json object = json::parse(CallBlendbench({"plan", "quick", "--seed", "5", "--json"}).out);
  EXPECT_EQ(object["experiment"]["seed"], 5);
  EXPECT_EQ(object["steps"].size(), 30u);
  EXPECT_GT(object["estimate_s"], 0);
}

TEST_F(CliTest, WhatTheMachineLacksIsThree) {
  const Called images =
      CallBlendbench({"run", "smoke", "--images", folder_.path().string(), "--out", Runs()});
  EXPECT_EQ(images.status, 3);
  ExpectOneLine(images.err);
  EXPECT_THAT(images.err, HasSubstr("manifest.json"));
  EXPECT_FALSE(fs::exists(Runs()));  // a mistyped path leaves no empty run behind
  const Called qemu = CallBlendbench(
      {"run", "smoke", "--images", FakeImages(), "--out", Runs(), "--qemu", "/nowhere/qemu"});
  EXPECT_EQ(qemu.status, 3);
  EXPECT_THAT(qemu.err, HasSubstr("/nowhere/qemu"));
}

TEST_F(CliTest, AFinishedRunIsDoneAgainInNoTime) {
  MakeRun("good", 5, false);
  const Called good = CallBlendbench(
      {"run", "smoke", "--images", "i", "--out", Runs(), "--run", "good", "--resume"});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("no-negative-effect: NOT DECIDED HERE (emulated, indicative)"));
  MakeRun("bad", 5, true);
  const Called bad = CallBlendbench(
      {"run", "smoke", "--images", "i", "--out", Runs(), "--run", "bad", "--resume", "--json"});
  EXPECT_EQ(bad.status, 4);
  const json summary = json::parse(bad.out);
  EXPECT_EQ(summary["failed"], 1);
  EXPECT_EQ(summary["claims"]["no-negative-effect"]["verdict"], "NOT DECIDED HERE");
}

TEST_F(CliTest, RunsAreNotMixed) {
  MakeRun("r", 2, false);
  const Called exists =
      CallBlendbench({"run", "smoke", "--images", "i", "--out", Runs(), "--run", "r"});
  EXPECT_EQ(exists.status, 2);
  EXPECT_THAT(exists.err, HasSubstr("--resume"));
  const Called other = CallBlendbench(
      {"run", "smoke", "--seed", "9", "--images", "i", "--out", Runs(), "--run", "r", "--resume"});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("was planned with another spec"));
}

TEST_F(CliTest, ASeedIsNoNegativeNumber) {
  const auto refused = CallBlendbench({"plan", "smoke", "--seed", "-1"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("--seed: a seed is a whole number from 0 on"));
}

TEST_F(CliTest, ResumeFindsTheUnfinishedRunOfTheSamePlan) {
  MakeRun("2026-a", 5, false);
  MakeRun("2026-b", 2, false);
  // It gets as far as the images, which are not there; no third run is begun.
  EXPECT_EQ(CallBlendbench({"run", "smoke", "--images", "i", "--out", Runs(), "--resume"}).status,
            3);
  EXPECT_EQ(ListRuns(Runs()).size(), 2u);
  for (size_t runs = 3; runs < 5; ++runs) {  // without --resume, each is a run of its own
    CallBlendbench(
        {"run", "smoke", "--images", FakeImages(), "--out", Runs(), "--qemu", "/nowhere"});
    EXPECT_EQ(ListRuns(Runs()).size(), runs);
  }
}

TEST_F(CliTest, ExportsInEveryForm) {
  MakeRun("r", 5, true);
  EXPECT_EQ(json::parse(CallBlendbench({"export", "r", "--out", Runs()}).out)["run"]["id"], "r");
  EXPECT_THAT(CallBlendbench({"export", "r", "--out", Runs(), "--format", "csv"}).out,
              HasSubstr(",boot.total_s,s,"));
  EXPECT_THAT(CallBlendbench({"export", "r", "--out", Runs(), "--format", "markdown"}).out,
              HasSubstr("# Run r"));
  const std::string lines =
      CallBlendbench({"export", "r", "--out", Runs(), "--format", "jsonl"}).out;
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);
  const std::string file = (folder_.path() / "report.json").string();
  const Called written = CallBlendbench({"export", (fs::path(Runs()) / "r").string(), "-o", file});
  EXPECT_EQ(written.status, 0);
  EXPECT_EQ(written.out, "");
  EXPECT_TRUE(json::accept(*ReadFile(file)));
  EXPECT_EQ(CallBlendbench({"export", "r", "--out", Runs(), "-o", "/nowhere/x"}).status, 3);
}

TEST_F(CliTest, ShowVerdictAndList) {
  MakeRun("first", 5, true);
  MakeRun("second", 2, false);
  const Called show = CallBlendbench({"show", "first", "--out", Runs()});
  EXPECT_EQ(show.status, 0);
  EXPECT_THAT(show.out, HasSubstr("5 of 5 samples, 1 failed; finished 2026-11-23T10:05:00Z"));
  EXPECT_THAT(show.out, HasSubstr("in boot: kernel panic ("));
  EXPECT_THAT(CallBlendbench({"show", "second", "--out", Runs()}).out,
              HasSubstr("3 to go, --resume continues"));
  EXPECT_EQ(
      json::parse(CallBlendbench({"show", "latest", "--out", Runs(), "--json"}).out)["run"]["id"],
      "second");
  EXPECT_THAT(CallBlendbench({"verdict", "first", "--out", Runs()}).out,
              HasSubstr("function-reached: NOT DECIDED HERE"));
  EXPECT_EQ(
      json::parse(CallBlendbench({"verdict", "first", "--out", Runs(), "--json"}).out)["claims"]
          .size(),
      10u);
  EXPECT_THAT(CallBlendbench({"list", "--out", Runs()}).out, HasSubstr("5/5 samples, 1 failed"));
  EXPECT_EQ(json::parse(CallBlendbench({"list", "--out", Runs(), "--json"}).out)["runs"].size(),
            2u);
  EXPECT_THAT(CallBlendbench({"show", "frist", "--out", Runs()}).err,
              HasSubstr("did you mean first?"));
}

TEST_F(CliTest, DamageIsReportedAndTheRestShown) {
  MakeRun("r", 3, false);
  std::ofstream(fs::path(Runs()) / "r" / "samples.jsonl", std::ios::app) << "{\"torn";
  const Called show = CallBlendbench({"show", "r", "--out", Runs()});
  EXPECT_EQ(show.status, 0);
  EXPECT_THAT(show.err, HasSubstr("samples.jsonl:4: the last line is torn"));
  EXPECT_THAT(show.out, HasSubstr("3 of 5 samples"));
}

TEST_F(CliTest, DoctorLooksAtEverythingAndNamesRemedies) {
  const Called result =
      CallBlendbench({"doctor", "--out", Runs(), "--qemu", "/nowhere/qemu", "--json"});
  EXPECT_EQ(result.status, 3);
  std::map<std::string, std::string> health;
  const json answer = json::parse(result.out);
  for (const json& finding : answer["findings"]) {
    health[finding["what"]] = finding["health"];
    EXPECT_NE(finding["detail"], "");
    EXPECT_EQ(finding["remedy"] == "", finding["health"] == "ok") << finding.dump();
  }
  EXPECT_EQ(health.at("qemu"), "missing");
  EXPECT_EQ(health.at("images"), "poor");
  EXPECT_EQ(health.at("checkout"), "ok");
  for (const char* what : {"kernel", "kvm", "fuse", "fuse passthrough", "governor", "turbo", "ASLR",
                           "KSM", "halt polling", "clock", "steal", "others' load", "disk space",
                           "blendfs", "systemd-nspawn", "tuning"})
    EXPECT_EQ(health.count(what), 1u) << what;
}

TEST(TerminalProgressTest, ALogGetsALineAStepAndNoEscapes) {
  std::ostringstream out, err;
  Io io{out, err, false, false};
  TerminalProgress progress(io);
  progress.RunStarted(4, 1, 30);
  EXPECT_THAT(err.str(), HasSubstr("4 samples, 1 of them done before; about 1:30 to go"));
  progress.StepStarted(1, 0, "coarse");
  progress.Phase("boot");
  progress.StepFinished(1, OkSample(0, 0, "coarse", {}));
  EXPECT_THAT(err.str(), HasSubstr("[2/4] block 0 coarse: ok (20 s), 0:40 left\n"));
  progress.StepFinished(2, FailedSample(0, 1, "fine-blendfs"));
  EXPECT_THAT(err.str(), HasSubstr("failed in boot: kernel panic (20 s), 0:20 left\n"));
  EXPECT_THAT(err.str(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(out.str(), "");
}

TEST(TerminalProgressTest, ATerminalShowsThePhase) {
  std::ostringstream out, err;
  Io io{out, err, true, true};
  TerminalProgress progress(io);
  progress.RunStarted(2, 0, 30);
  progress.StepStarted(0, 0, "coarse");
  progress.Phase("boot");
  EXPECT_THAT(err.str(), HasSubstr("\r\x1b[K[1/2] block 0 coarse: boot  1:00 left"));
}

}  // namespace
}  // namespace blendbench
