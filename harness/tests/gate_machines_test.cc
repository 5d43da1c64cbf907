// SPDX-License-Identifier: MIT
// The machine as a level of the analysis: which machines a verdict rests on, and whether they agree.
#include <gmock/gmock.h>

#include <cmath>

#include "harness/gate/machines.h"
#include "harness/gate/verdict.h"
#include "harness/stats/groups.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(StatsGroups, IsTheAnalysisOfVarianceOfTables) {
  // F = 1.5 with 1 and 4 degrees of freedom.
  EXPECT_NEAR(stats::GroupsDifferP({{1, 2, 3}, {2, 3, 4}}), 0.287864, 1e-6);
  // Three groups: between 54, within 6, so F = 27 with 2 and 6 degrees of freedom; P = (1 + 2 F / 6)^-3.
  EXPECT_NEAR(stats::GroupsDifferP({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}), std::pow(10.0, -3), 1e-9);
  EXPECT_DOUBLE_EQ(stats::GroupsDifferP({{1, 2}, {1, 2}}), 1.0);
  EXPECT_DOUBLE_EQ(stats::GroupsDifferP({{1, 1}, {2, 2}}), 0.0);
  EXPECT_DOUBLE_EQ(stats::GroupsDifferP({{1, 1}, {1, 1}}), 1.0);
  for (const auto& groups : std::vector<std::vector<std::vector<double>>>{
           {}, {{1, 2, 3}}, {{1, 2, 3}, {}}, {{1}, {2}, {3}}})
    EXPECT_TRUE(std::isnan(stats::GroupsDifferP(groups)));
}

// Blocks take turns on `machines`; on the second fine-blendfs is worse by `effect` more.
std::vector<Sample> SamplesOn(const std::vector<std::string>& machines, int blocks, double effect) {
  std::vector<Sample> samples = SmallSamples(blocks, 1.0);
  for (Sample& sample : samples) {
    const size_t turn = static_cast<size_t>(sample.block) % machines.size();
    const bool worse = turn == 1 && sample.arm == "fine-blendfs";
    for (auto& [metric, value] : sample.metrics)
      if (worse) value *= metric.ends_with("_mbps") ? 1 / effect : effect;
    sample.provenance = {{"host",
                          {{"machine", machines[turn] + "-print"},
                           {"node", machines[turn]},
                           {"cpu", "cpu " + machines[turn].substr(0, 1)},
                           {"cores", 4}}}};
  }
  return samples;
}

std::vector<std::string> ReasonsFor(const std::vector<Sample>& samples, int blocks) {
  const Experiment experiment = SmallExperiment(blocks);
  Claim claim;
  claim.id = "c";
  claim.arm = "fine-blendfs";
  claim.reference = "coarse";
  claim.metrics = {"*"};
  const std::vector<CheckTally> promises;
  return JudgeClaim(claim, {experiment, samples, promises, "kvm"}).reasons;
}

TEST(Machines, OneMachineIsNotWorthAWord) {
  EXPECT_THAT(ReasonsFor(SamplesOn({"a1"}, 8, 1.2), 8), Not(Contains(HasSubstr("machine"))));
  EXPECT_THAT(ReasonsFor(SmallSamples(8, 1.0), 8), Not(Contains(HasSubstr("machine"))));
}

TEST(Machines, AVerdictSaysWhichMachinesItRestsOn) {
  const auto reasons = ReasonsFor(SamplesOn({"a1", "a2"}, 8, 1.0), 8);
  EXPECT_THAT(reasons, Contains(HasSubstr("rests on 2 machines, each block on one of them (a1: "
                                          "blocks 0, 2, 4, 6; a2: blocks 1, 3, 5, 7)")));
  EXPECT_THAT(reasons, Contains(HasSubstr("do not differ beyond chance in any of")));
  EXPECT_THAT(reasons, Not(Contains(HasSubstr("warning"))));
}

TEST(Machines, MachinesThatDisagreeOrAreOfAnotherKindAreAWarning) {
  const auto reasons = ReasonsFor(SamplesOn({"a1", "b2"}, 8, 1.2), 8);
  EXPECT_THAT(reasons, Contains(AllOf(HasSubstr("warning: the machines are not of one kind"),
                                      HasSubstr("cpu (cpu a; cpu b)"), Not(HasSubstr("cores")))));
  EXPECT_THAT(reasons,
              Contains(AllOf(HasSubstr("do not agree on boot.total_s, p = "), HasSubstr("a1 0.99"),
                             HasSubstr("b2 1.2"), HasSubstr("(4)"))));
}

TEST(Machines, WithABlockAMachineNothingCanBeTold) {
  EXPECT_THAT(ReasonsFor(SamplesOn({"a1", "a2", "a3"}, 3, 1.2), 3),
              Contains(HasSubstr("it cannot be told whether the machines agree")));
}

TEST(Machines, AreListedByTheirFirstBlock) {
  const auto machines = MachinesOf(SamplesOn({"b", "a"}, 3, 1.0));
  ASSERT_EQ(machines.size(), 2u);
  EXPECT_EQ(machines[0].name, "b");
  EXPECT_EQ(machines[0].machine, "b-print");
  EXPECT_THAT(machines[0].blocks, ElementsAre(0, 2));
  EXPECT_EQ(machines[0].facts["cores"], 4);
  EXPECT_THAT(MachinesOf(SmallSamples(2, 1.0)), IsEmpty());
}

TEST(Machines, ABlockOfTwoMachinesIsLeftOut) {
  const int blocks = 6;
  std::vector<Sample> samples = SamplesOn({"a1", "a2"}, blocks, 1.0);
  samples[4].provenance["host"]["machine"] = "another";  // in block 1
  const auto discarded = NoisyBlocks(NoiseRules(), samples);
  ASSERT_EQ(discarded.size(), 1u);
  EXPECT_THAT(discarded.at(1), HasSubstr("two machines"));
  for (const Comparison& one : CompareArms(SmallExperiment(blocks), samples, {}))
    for (const Pair& pair : one.pairs) EXPECT_NE(pair.block, 1);
  EXPECT_THAT(ReasonsFor(samples, blocks), Contains(HasSubstr("1 of 6 blocks were discarded")));
}

}  // namespace
}  // namespace blendbench
