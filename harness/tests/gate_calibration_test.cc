// SPDX-License-Identifier: MIT
// What a calibration makes of made-up samples whose truth is known, and the blocks that are left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "harness/gate/calibration.h"
#include "harness/gate/compare.h"
#include "harness/gate/verdict.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

using testing::Contains;
using testing::HasSubstr;

Arm Slowed(const std::string& id, const Handicap& handicap) {
  Arm arm;
  arm.id = id;
  arm.handicap = handicap;
  return arm;
}

Claim BootClaim() {
  Claim claim;
  claim.arm = "fine-blendfs";
  claim.reference = "coarse";
  claim.metrics = {"boot.total_s"};
  return claim;
}

// coarse, coarse-aa, slow (its disks by a fifth), late (its boot alone), each metric with normal noise of 1 %.
Experiment CalibrationExperiment(int blocks) {
  Experiment experiment = SmallExperiment(blocks);
  experiment.arms.pop_back();
  for (Arm& arm : experiment.arms) arm.handicap.disk_mbps = 60;
  experiment.arms.push_back(Slowed("slow", {.disk_mbps = 50}));
  experiment.arms.push_back(Slowed("late", {.boot_delay_s = 2, .disk_mbps = 60}));
  return experiment;
}

std::vector<Sample> CalibrationSamples(int blocks, double slow = 1.2, double late = 1.2) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0, 0.01);
  std::vector<Sample> samples;
  for (int block = 0; block < blocks; ++block) {
    int order = 0;
    for (const char* arm : {"coarse", "coarse-aa", "slow", "late"}) {
      const double all = order == 2 ? slow : 1, boot = order == 3 ? late : all;
      auto wobble = [&] { return std::exp(noise(random)); };
      samples.push_back(OkSample(block, order++, arm,
                                 {{"boot.total_s", 10 * boot * wobble()},
                                  {"fio.path_read_1m_mbps", 500 / all / wobble()},
                                  {"fio.app_write_1m_mbps", 300 / all / wobble()}}));
    }
  }
  return samples;
}

TEST(Calibration, FindsWhatWasPutIn) {
  const Calibration result = Calibrate(CalibrationExperiment(24), CalibrationSamples(24), 8, 0.05);
  EXPECT_EQ(result.blocks, 24);
  // The control's three metrics, and the two that the late boot leaves alone: three experiments of eight each.
  EXPECT_EQ(result.false_alarms.of, 15);
  EXPECT_EQ(result.false_alarms.hits, 0);
  ASSERT_EQ(result.rows.size(), 2u);
  const CalibrationRow& slow = result.rows[0];
  EXPECT_EQ(slow.arm, "slow");
  EXPECT_NEAR(slow.expected_ratio, 1.2, 1e-9);
  EXPECT_NEAR(slow.measured_ratio, 1.2, 0.01);
  EXPECT_EQ(slow.refuted.of, 6);  // two jobs; of the boot nothing was expected
  EXPECT_EQ(slow.refuted.hits, 6);
  EXPECT_EQ(slow.non_inferior.hits, 0);
  EXPECT_GT(slow.predicted_refuted, 0.99);
  const CalibrationRow& late = result.rows[1];
  EXPECT_EQ(late.refuted.of, 3);
  EXPECT_NEAR(late.expected_ratio, 1.2, 0.005);
  ASSERT_EQ(result.noise.size(), 3u);
  EXPECT_NEAR(result.noise[0].sd, 0.01 * std::sqrt(2), 0.005);
  ASSERT_TRUE(result.noise[0].sd_interval);
  EXPECT_LT(result.noise[0].sd_interval->low, result.noise[0].sd);
}

// Were a handicap without effect, the calibration would say so.
TEST(Calibration, AHandicapThatDoesNothingIsNotFound) {
  const Calibration result =
      Calibrate(CalibrationExperiment(16), CalibrationSamples(16, 1.0, 1.0), 8, 0.05);
  EXPECT_EQ(result.rows.at(0).refuted.hits, 0);
  EXPECT_EQ(result.rows.at(0).non_inferior.hits, result.rows.at(0).non_inferior.of);
  EXPECT_NEAR(result.rows.at(0).measured_ratio, 1.0, 0.01);
}

TEST(Calibration, AnUnsteadyControlIsAFalseAlarm) {
  std::vector<Sample> samples = CalibrationSamples(8);
  for (Sample& sample : samples)
    if (sample.arm == "coarse-aa") sample.metrics["boot.total_s"] *= 1.3;
  EXPECT_EQ(Calibrate(CalibrationExperiment(8), samples, 8, 0.05).false_alarms.hits, 1);
}

TEST(Calibration, TooFewBlocksMakeNoExperiment) {
  const Calibration result = Calibrate(CalibrationExperiment(7), CalibrationSamples(7), 8, 0.05);
  EXPECT_EQ(result.false_alarms.of, 0);
  EXPECT_TRUE(result.rows.empty());
}

TEST(Calibration, OnlyWhatIsKnownBeforehandIsExpected) {
  const Metric boot{"boot.total_s", "", "boot", "s", true};
  const Metric read{"fio.path_read_mbps", "", "fio-path", "MB/s", false};
  const Arm plain = Slowed("a", {});
  const Arm limited = Slowed("a", {.disk_mbps = 40});
  EXPECT_EQ(ExpectedEffect(Slowed("b", {}), plain, boot, 10), 0.0);
  const Metric walk{"warm-find.wall_s", "", "host-metadata", "s", true};
  const Metric container{"boot-userspace.wall_s", "", "host-boot", "s", true};
  EXPECT_NEAR(ExpectedEffect(Slowed("b", {.pause = 0.05}), plain, walk, 10).value(), std::log(1.05),
              1e-12);
  for (const Metric& waits : {read, boot, container})
    EXPECT_FALSE(ExpectedEffect(Slowed("b", {.pause = 0.05}), plain, waits, 10)) << waits.id;
  EXPECT_EQ(ExpectedEffect(Slowed("b", {.boot_delay_s = 1}), plain, read, 10), 0.0);
  EXPECT_FALSE(ExpectedEffect(Slowed("b", {.boot_work = 1}), plain, boot, 10));
  // One limit alone says nothing: the disk may have been slower anyway.
  EXPECT_FALSE(ExpectedEffect(Slowed("b", {.disk_mbps = 20}), plain, read, 10));
  EXPECT_NEAR(ExpectedEffect(Slowed("b", {.disk_mbps = 20}), limited, read, 10).value(),
              std::log(2), 1e-12);
  EXPECT_FALSE(ExpectedEffect(Slowed("b", {.disk_mbps = 20}), limited, boot, 10));
}

std::vector<Sample> WithNoise(std::vector<Sample> samples, int block, const char* what,
                              double share) {
  for (Sample& sample : samples)
    if (sample.block == block && sample.order == 1)
      sample.provenance = {{"noise", {{what, share}}}};
  return samples;
}

TEST(Noise, ANoisyStepTakesItsWholeBlockAlong) {
  const Experiment experiment = SmallExperiment(8);
  std::vector<Sample> samples = SmallSamples(8, 1.0);
  samples = WithNoise(samples, 2, "steal", 0.11);
  samples = WithNoise(samples, 5, "foreign", 0.51);
  samples = WithNoise(samples, 6, "steal", 0.10);  // at the border, which is allowed
  const auto noisy = NoisyBlocks(experiment.noise, samples);
  ASSERT_EQ(noisy.size(), 2u);
  EXPECT_THAT(noisy.at(2), HasSubstr("11 %"));
  EXPECT_THAT(noisy.at(5), HasSubstr("others used 51 %"));
  EXPECT_EQ(WithoutBlocks(samples, noisy).size(), 18u);
  for (const Comparison& comparison : CompareArms(experiment, samples, {}))
    if (comparison.judged.n > 0) {
      EXPECT_EQ(comparison.judged.n, 6) << comparison.metric.id;
    }
}

// A wild block that the rules discard does not reach the verdict, and the verdict says that it was discarded.
TEST(Noise, DiscardedBlocksAreNamedInTheVerdict) {
  const Experiment experiment = SmallExperiment(8);
  const Claim claim = BootClaim();
  std::vector<Sample> samples = SmallSamples(8, 1.0);
  for (Sample& sample : samples)
    if (sample.block == 3 && sample.arm == "fine-blendfs") sample.metrics["boot.total_s"] = 40;
  EXPECT_EQ(JudgeClaim(claim, {experiment, samples, {}, "kvm"}).verdict, Verdict::kInconclusive);
  samples = WithNoise(samples, 3, "steal", 0.5);
  const ClaimVerdict result = JudgeClaim(claim, {experiment, samples, {}, "kvm"});
  EXPECT_EQ(result.verdict, Verdict::kNonInferior);
  EXPECT_THAT(result.reasons, Contains(HasSubstr("1 of 8 blocks were discarded")));
}

TEST(Verdict, CarriesTheMarginCurveAndItsTurn) {
  const Experiment experiment = SmallExperiment(8);
  const Claim claim = BootClaim();
  const ClaimVerdict result = JudgeClaim(claim, {experiment, SmallSamples(8, 1.08), {}, "kvm"});
  ASSERT_EQ(result.parts.size(), 1u);
  const ClaimPart& part = result.parts[0];
  ASSERT_TRUE(part.smallest_margin);
  ASSERT_FALSE(part.curve.empty());
  for (const stats::MarginPoint& point : part.curve)
    EXPECT_EQ(point.non_inferiority == stats::Finding::kHolds, point.margin > *part.smallest_margin)
        << point.margin;
}

// The same numbers say nothing about a claim when they are not times of a guest on KVM.
TEST(Verdict, InstructionsAreNoEvidence) {
  const Experiment experiment = SmallExperiment(8);
  const Claim claim = BootClaim();
  const ClaimVerdict result = JudgeClaim(claim, {experiment, SmallSamples(8, 1.0), {}, "icount"});
  EXPECT_EQ(result.verdict, Verdict::kNotDecidedHere);
  EXPECT_EQ(result.indicative, Verdict::kNonInferior);
  EXPECT_THAT(result.stamp, HasSubstr("no evidence"));
}

}  // namespace
}  // namespace blendbench
