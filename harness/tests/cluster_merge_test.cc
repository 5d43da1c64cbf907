// SPDX-License-Identifier: MIT
// What blocks of other machines must prove before they enter a run, and what the run is afterwards.
#include <gmock/gmock.h>

#include <functional>

#include "harness/archive/check_plan.h"
#include "harness/cluster/check_blocks.h"
#include "harness/cluster/merge.h"
#include "harness/export/record.h"
#include "harness/export/report.h"
#include "harness/tests/cluster_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MergeTest : public ClusterTest {
 protected:
  RecordingProgress progress_;
};

TEST_F(MergeTest, EachRefusalIsShown) {
  const RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  RunFacts facts = FactsOf(run, bundle);
  facts.substrate = "kvm";
  facts.used = bundle.images;
  BlockResult good;
  good.block = 1;
  good.plan_sha256 = bundle.plan_sha256;
  good.samples = SamplesOf(bundle, 1, kMachineA);
  EXPECT_THAT(Refusals(good, plan_, facts), IsEmpty());
  const std::string last = good.samples[2].arm;
  struct Case {
    const char* says;
    std::function<void(BlockResult&)> change;
  };
  const std::vector<Case> cases = {
      {"it is of another plan", [](BlockResult& b) { b.plan_sha256 = "0"; }},
      {"the plan has no block 7", [](BlockResult& b) { b.block = 7; }},
      {"is of another block", [](BlockResult& b) { b.samples[0].block = 2; }},
      {"an arm that the plan does not have", [](BlockResult& b) { b.samples[0].arm = "x"; }},
      {"was number 2 of its block, the plan says 0",
       [](BlockResult& b) { b.samples[0].order = 2; }},
      {"is there twice", [](BlockResult& b) { b.samples.push_back(b.samples[0]); }},
      {"has the position 0 of another", [](BlockResult& b) { b.samples[1].order = 0; }},
      {"there is no sample of block 1, arm ", [](BlockResult& b) { b.samples.pop_back(); }},
      {"has another plan_sha256: 0,",
       [](BlockResult& b) { b.samples[1].provenance["plan_sha256"] = "0"; }},
      {"has another plan_sha256: none", [](BlockResult& b) { b.samples[1].provenance = nullptr; }},
      {"has another spec_sha256",
       [](BlockResult& b) { b.samples[1].provenance["spec_sha256"] = "0"; }},
      {"has another substrate: tcg, not the run's kvm",
       [](BlockResult& b) { b.samples[1].provenance["substrate"] = "tcg"; }},
      {"has another blendbench_sha256",
       [](BlockResult& b) { b.samples[1].provenance["blendbench_sha256"] = "0"; }},
      {"with another blendload",
       [](BlockResult& b) { b.samples[1].provenance["blendload_sha256"] = "0"; }},
      {"used another image system",
       [](BlockResult& b) { b.samples[1].provenance["images"]["system"] = "0"; }},
      {"used the image other, which the bundle does not name",
       [](BlockResult& b) { b.samples[1].provenance["images"]["other"] = "0"; }},
      {"used other images than the run's",
       [](BlockResult& b) { b.samples[1].provenance["images"].erase("system"); }},
      {"does not tell which machine",
       [](BlockResult& b) { b.samples[1].provenance["host"].erase("machine"); }},
      {"2 machines measured it",
       [](BlockResult& b) { b.samples[1].provenance["host"]["machine"] = kMachineB; }},
  };
  for (const Case& one : cases) {
    BlockResult bad = good;
    one.change(bad);
    EXPECT_THAT(Refusals(bad, plan_, facts), Contains(HasSubstr(one.says))) << one.says;
  }
  // A first block says what the substrate is, and has to agree with itself.
  facts.substrate = "";
  facts.used = {};
  EXPECT_THAT(Refusals(good, plan_, facts), IsEmpty());
  BlockResult bad = good;
  bad.samples[2].provenance["substrate"] = "tcg";
  EXPECT_THAT(Refusals(bad, plan_, facts),
              Contains(HasSubstr("arm " + last + " has another substrate")));
  // However much is wrong, it is told in few lines.
  bad.samples = std::vector<Sample>(500, good.samples[0]);
  EXPECT_EQ(Refusals(bad, plan_, facts).size(), 10u);
}

TEST_F(MergeTest, WholeBlocksEnterAndTheRunIsWhatOneMachineWouldHaveLeft) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  LeaveAllBlocks(bundle, Results());
  const auto merged = MergeBlocks(run, bundle, Results(), progress_);
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_THAT(merged->entered, ElementsAre(0, 1, 2));
  EXPECT_THAT(merged->missing, IsEmpty());
  EXPECT_TRUE(run.PendingSteps().empty());
  EXPECT_EQ(run.samples().size(), 9u);
  const Environment& environment = run.environment();
  EXPECT_NE(environment.finished, "");
  EXPECT_EQ(environment.created, "2026-11-28T10:00:07Z") << "the earliest block's";
  EXPECT_EQ(environment.substrate, "kvm");
  EXPECT_EQ(environment.images, environment.images_after);
  EXPECT_EQ(environment.host["cpu"], "cpu of a");
  EXPECT_FALSE(environment.host.contains("machine")) << "it is not one machine's";
  EXPECT_TRUE(fs::exists(run.dir() / "console" / "b001-coarse.log"));
  EXPECT_TRUE(fs::exists(run.dir() / "console" / "b001-template.log"));
  EXPECT_THAT(progress_.warnings, IsEmpty());
  // As `verify` looks at it.
  Mismatches mismatches;
  CheckSteps(run, mismatches);
  EXPECT_THAT(mismatches, IsEmpty());
  // Again changes nothing.
  const std::string before = *ReadFile(run.dir() / "samples.jsonl");
  ASSERT_TRUE(MergeBlocks(run, bundle, Results(), progress_));
  EXPECT_EQ(*ReadFile(run.dir() / "samples.jsonl"), before);
  EXPECT_TRUE(RunFolder::OpenForReading(run.dir())->warnings().empty());
}

TEST_F(MergeTest, WhatIsNotWholeOrNotOursStaysOutside) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  std::vector<Sample> begun = SamplesOf(bundle, 0, kMachineA);
  begun.pop_back();
  LeaveBlock(bundle, Results(), 0, begun, false);
  std::vector<Sample> foreign = SamplesOf(bundle, 1, kMachineA);
  foreign[1].provenance["plan_sha256"] = "0";
  LeaveBlock(bundle, Results(), 1, foreign);
  LeaveBlock(bundle, Results(), 8, SamplesOf(bundle, 2, kMachineA));  // a block of a stranger
  const auto merged = MergeBlocks(run, bundle, Results(), progress_);
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_THAT(merged->entered, IsEmpty());
  EXPECT_THAT(merged->missing, ElementsAre(0, 2));
  ASSERT_EQ(merged->refused.size(), 2u);
  EXPECT_THAT(merged->refused.at(1), HasSubstr("plan_sha256"));
  EXPECT_THAT(merged->refused.at(8), HasSubstr("the plan has no block 8"));
  EXPECT_TRUE(run.samples().empty());
  EXPECT_EQ(run.environment().finished, "");
  EXPECT_EQ(WarningName(progress_.warnings.at(0).kind), std::string("foreign-sample"));
  // What was lacking comes, and the strangers are removed.
  for (const char* name : {"b001", "b008"}) fs::remove_all(Results() / name);
  LeaveAllBlocks(bundle, Results());
  EXPECT_THAT(MergeBlocks(run, bundle, Results(), progress_)->entered, ElementsAre(0, 1, 2));
  EXPECT_NE(run.environment().finished, "");
}

TEST_F(MergeTest, ABlockThatIsInTheRunIsNotExchanged) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  LeaveAllBlocks(bundle, Results());
  ASSERT_TRUE(MergeBlocks(run, bundle, Results(), progress_));
  std::vector<Sample> better = SamplesOf(bundle, 2, kMachineA);
  better[0].metrics["boot.total_s"] = 1;
  LeaveBlock(bundle, Results(), 2, better);
  const auto merged = MergeBlocks(run, bundle, Results(), progress_);
  EXPECT_THAT(merged->refused.at(2), HasSubstr("the run already has another sample"));
  EXPECT_EQ(run.samples().size(), 9u);
}

TEST_F(MergeTest, AChangedImageIsNoticedWhicheverBlockSawIt) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  LeaveAllBlocks(bundle, Results());
  json environment = json::parse(*ReadFile(Results() / "b001" / "environment.json"));
  environment["images_after"]["system"] = "changed";
  std::ofstream(Results() / "b001" / "environment.json") << environment;
  ASSERT_TRUE(MergeBlocks(run, bundle, Results(), progress_));
  EXPECT_EQ(run.environment().images_after.at("system"), "changed");
  ASSERT_EQ(progress_.warnings.size(), 1u);
  EXPECT_EQ(progress_.warnings[0].kind, WarningKind::kImageChanged);
}

TEST_F(MergeTest, TheReportSaysWhichMachineDidWhichBlocks) {
  RunFolder run = NewRun();
  const Bundle bundle = BundleOf(run, "slurm");
  LeaveAllBlocks(bundle, Results());
  ASSERT_TRUE(MergeBlocks(run, bundle, Results(), progress_));
  const RunRecord record = RecordOf(run);
  const json report = MakeReport(record, *Analyse(record));
  const json& machines = report["run"]["machines"];
  ASSERT_EQ(machines.size(), 2u);
  EXPECT_EQ(machines[0]["name"], "node-a");
  EXPECT_EQ(machines[0]["blocks"], "0, 2");
  EXPECT_EQ(machines[1]["machine"], kMachineB);
  EXPECT_EQ(machines[1]["cpu"], "cpu of b");
  std::string reasons;
  for (const json& claim : report["claims"])
    if (claim["rule"] == "non-inferiority" && !claim["parts"].empty())
      reasons += claim["reasons"].dump();
  EXPECT_THAT(reasons, HasSubstr("rests on 2 machines"));
  EXPECT_THAT(reasons, HasSubstr("they differ in cpu (cpu of a; cpu of b)"));
}

TEST_F(MergeTest, CollectMergesByHand) {
  {
    const RunFolder run = NewRun();
    const Bundle bundle = BundleOf(run, "ssh");
    LeaveBlock(bundle, Results(), 0, SamplesOf(bundle, 0, kMachineA));
  }
  const json part = JsonOf({"collect", "r", "--out", Runs()}, 3);
  EXPECT_EQ(part["entered"], json::array({0}));
  EXPECT_EQ(part["missing"], json::array({1, 2}));
  EXPECT_EQ(part["done"], 3);
  {
    const RunFolder run = OpenRun();
    LeaveAllBlocks(*OpenBundle(run.dir() / (*ReadClusterRecord(run.dir()))->bundle), Results());
  }
  const Called whole = CallBlendbench({"collect", "r", "--out", Runs()});
  EXPECT_EQ(whole.status, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr("9 of 9 samples, 0 failed"));
  EXPECT_THAT(whole.out, HasSubstr("blocks in the run: 0-2"));
  MakeRun("plain", 5, false);
  EXPECT_EQ(CallBlendbench({"collect", "plain", "--out", Runs()}).status, 2);
}

}  // namespace
}  // namespace blendbench
