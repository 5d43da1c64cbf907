// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "harness/base/files.h"
#include "harness/gate/verdict.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kClaims = R"toml(schema = 1
[[claim]]
id = "works"
title = "it works"
statement = "s"
role = "paper"
rule = "promises"
arm = "fine-blendfs"
checks = ["deletion", "user-home"]
[[claim]]
id = "fast"
title = "it is fast"
statement = "s"
rule = "non-inferiority"
arm = "fine-blendfs"
reference = "coarse"
margin = 0.05
metrics = ["boot.total_s", "fio.path_*", "fio.app_*"]
)toml";

std::vector<Claim> Claims(const std::string& text = kClaims) {
  auto claims = ParseClaims(text, "claims.toml");
  EXPECT_TRUE(claims) << claims.error();
  return claims ? *claims : std::vector<Claim>{};
}

std::string Changed(const std::string& from, const std::string& to) {
  std::string text = kClaims;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

ClaimVerdict JudgeOn(const std::string& substrate, const Claim& claim,
                     const std::vector<Sample>& samples) {
  const Experiment experiment = SmallExperiment(8);
  const std::vector<CheckTally> promises = TallyPromises(experiment, samples, {});
  return JudgeClaim(claim, {experiment, samples, promises, substrate});
}

ClaimVerdict JudgeFast(const std::vector<Sample>& samples) {
  return JudgeOn("kvm", Claims()[1], samples);
}

TEST(Claims, AreRead) {
  const std::vector<Claim> claims = Claims();
  ASSERT_EQ(claims.size(), 2u);
  EXPECT_EQ(claims[0].rule, Rule::kPromises);
  EXPECT_EQ(claims[0].role, "paper");
  EXPECT_EQ(claims[1].role, "comparison");
  EXPECT_DOUBLE_EQ(claims[1].margin, 0.05);
}

TEST(Claims, TheDigestIsOfWhatDecidesNotOfTheWording) {
  EXPECT_EQ(Claims(Changed("it is fast", "quick it is"))[1].sha256, Claims()[1].sha256);
  EXPECT_NE(Claims(Changed("margin = 0.05", "margin = 0.06"))[1].sha256, Claims()[1].sha256);
  EXPECT_NE(Claims(Changed("\"fio.app_*\"", "\"fio.app*\""))[1].sha256, Claims()[1].sha256);
}

TEST(Claims, MistakesAreOneLineWithPlaceAndRemedy) {
  const std::vector<std::array<std::string, 3>> mistakes = {
      {"margin", "margn",
       "claims.toml:17: unknown key \"margn\" in claim; did you mean \"margin\"?"},
      {"margin = 0.05", "margin = 0", "it must be"},
      {"margin = 0.05", "margin = \"5 %\"", "must be a number"},
      {"\"promises\"", "\"promise\"", "it must be one of: promises, non-inferiority"},
      {"checks = [\"deletion\", \"user-home\"]", "", "needs \"checks\""},
      {"reference = \"coarse\"", "", "needs a \"reference\""},
      {"\"deletion\"", "3", "must be a list of texts"},
      {"id = \"fast\"", "id = \"works\"", "is used twice"},
      {"schema = 1", "schema = 2", "must be 1 to 1"}};
  for (const auto& [from, to, message] : mistakes) {
    const auto claims = ParseClaims(Changed(from, to), "claims.toml");
    ASSERT_FALSE(claims) << to;
    EXPECT_THAT(claims.error(), HasSubstr(message));
    EXPECT_EQ(claims.error().find('\n'), std::string::npos);
  }
  EXPECT_FALSE(ParseClaims("", "claims.toml"));
}

// A claim that no shipped experiment has the arms and the metrics for would never be answered.
TEST(Claims, TheShippedOnesAreAnsweredByShippedExperiments) {
  const std::filesystem::path root = BLEND_SOURCE_DIR;
  const std::vector<Claim> claims = Claims(*ReadFile(root / "paper" / "claims.toml"));
  std::set<std::string> answered;
  for (const auto& entry : std::filesystem::directory_iterator(root / "harness" / "specs")) {
    const auto experiment = ParseExperiment(*ReadFile(entry.path()), entry.path().string());
    ASSERT_TRUE(experiment) << experiment.error();
    for (const Claim& claim : claims) {
      std::vector<std::string> unmatched;
      MetricsOfClaim(claim, MetricsOf(*experiment), unmatched);
      const bool compares = claim.rule == Rule::kNonInferiority;
      if (unmatched.empty() && FindArm(*experiment, claim.arm) != nullptr &&
          (!compares || FindArm(*experiment, claim.reference) != nullptr))
        answered.insert(claim.id);
    }
  }
  for (const Claim& claim : claims) EXPECT_TRUE(answered.contains(claim.id)) << claim.id;
}

// The paper's own, and what they are compared with, by every profile that is there for them.
TEST(Claims, ThePapersOwnFitTheProfilesForThem) {
  const std::filesystem::path root = BLEND_SOURCE_DIR;
  const std::vector<Claim> claims = Claims(*ReadFile(root / "paper" / "claims.toml"));
  for (const char* profile : {"quick", "verdict"}) {
    const auto experiment = ParseExperiment(
        *ReadFile(root / "harness" / "specs" / (std::string(profile) + ".toml")), profile);
    ASSERT_TRUE(experiment) << experiment.error();
    for (const Claim& claim : claims) {
      if (claim.role != "paper") continue;
      std::vector<std::string> unmatched;
      MetricsOfClaim(claim, MetricsOf(*experiment), unmatched);
      EXPECT_THAT(unmatched, IsEmpty()) << profile << " measures too little for " << claim.id;
      EXPECT_THAT(experiment->arms, Contains(testing::Field(&Arm::id, claim.arm)));
    }
  }
}

TEST(Compare, PairsByBlockAndLeavesFailuresOut) {
  std::vector<Sample> samples = SmallSamples(8, 1.2);
  samples[5] = FailedSample(1, 2, "fine-blendfs");
  samples.erase(samples.begin() + 6);  // the reference of block 2
  const auto comparisons = CompareArms(SmallExperiment(8), samples, Claims());
  const auto found = std::find_if(comparisons.begin(), comparisons.end(), [](const Comparison& c) {
    return c.arm == "fine-blendfs" && c.metric.id == "fio.app_write_1m_mbps";
  });
  ASSERT_NE(found, comparisons.end());
  EXPECT_EQ(found->judged.n, 6);
  for (const Pair& pair : found->pairs) EXPECT_TRUE(pair.block != 1 && pair.block != 2);
  // Slower is above 1 for a throughput too.
  EXPECT_NEAR(std::exp(found->judged.mean), 1.2, 0.02);
  EXPECT_TRUE(found->blocks_for_power.has_value());
}

TEST(Compare, ControlsStayOutOfHolmsFamily) {
  const auto comparisons = CompareArms(SmallExperiment(8), SmallSamples(8, 1.2), Claims());
  for (const Comparison& comparison : comparisons) {
    EXPECT_NE(comparison.metric.family, "setup");
    if (comparison.control) {
      EXPECT_TRUE(std::isnan(comparison.p_holm));
    } else if (comparison.judged.n >= 2) {
      EXPECT_GE(comparison.p_holm, comparison.judged.p_different);
    }
  }
}

TEST(Verdict, EqualSpeedIsNonInferiorAndEquivalentOnKvm) {
  const ClaimVerdict result = JudgeFast(SmallSamples(8, 1.0));
  EXPECT_EQ(result.verdict, Verdict::kNonInferior);
  EXPECT_EQ(result.equivalence, Verdict::kEquivalent);
  EXPECT_EQ(result.stamp, "");
  EXPECT_EQ(result.parts.size(), 3u);
}

TEST(Verdict, MuchFasterIsNonInferiorAndNotEquivalent) {
  const ClaimVerdict result = JudgeFast(SmallSamples(8, 0.7));
  EXPECT_EQ(result.verdict, Verdict::kNonInferior);
  EXPECT_NE(result.equivalence, Verdict::kEquivalent);
}

TEST(Verdict, OneSlowMetricRefutesTheClaim) {
  std::vector<Sample> samples = SmallSamples(8, 1.0);
  for (Sample& sample : samples) {
    if (sample.arm == "fine-blendfs") sample.metrics["fio.app_write_1m_mbps"] /= 1.3;
  }
  const ClaimVerdict result = JudgeFast(samples);
  EXPECT_EQ(result.verdict, Verdict::kRefuted);
  EXPECT_THAT(result.reasons, Contains(HasSubstr("fio.app_write_1m_mbps")));
}

TEST(Verdict, ARefutationMustOutliveHolm) {
  // Beyond the margin by so little that one metric of three is refuted alone (p about 0.03) and not after correction.
  const std::vector<double> beyond = {-0.6, -0.1, 0.2, 0.5, 0.7, 0.9, 1.0, 1.4};
  std::vector<Sample> samples = SmallSamples(8, 1.0);
  for (Sample& sample : samples) {
    for (auto& [metric, value] : sample.metrics) value = metric == "boot.total_s" ? 10 : 500;
    if (sample.arm != "fine-blendfs") continue;
    sample.metrics["boot.total_s"] *= std::exp(std::log1p(0.05) + 0.01 * beyond[sample.block]);
  }
  const ClaimVerdict result = JudgeFast(samples);
  ASSERT_EQ(result.parts[0].indicative, Verdict::kRefuted) << result.parts[0].reasons[0];
  EXPECT_EQ(result.verdict, Verdict::kInconclusive);
  EXPECT_THAT(result.reasons, Contains(HasSubstr("Holm")));
}

TEST(Verdict, ElsewhereThanOnKvmNothingIsDecided) {
  for (const char* substrate : {"tcg", "host", ""}) {
    const ClaimVerdict result = JudgeOn(substrate, Claims()[1], SmallSamples(8, 1.3));
    EXPECT_EQ(result.verdict, Verdict::kNotDecidedHere);
    EXPECT_EQ(result.indicative, Verdict::kRefuted);
    EXPECT_NE(result.stamp, "");
    EXPECT_THAT(result.reasons[0], HasSubstr("kvm only"));
  }
  EXPECT_EQ(StampFor("tcg"), "emulated, indicative");
}

TEST(Verdict, FailedGuestsForbidAGoodVerdict) {
  std::vector<Sample> samples = SmallSamples(8, 1.0);
  samples[2] = FailedSample(0, 2, "fine-blendfs");
  const ClaimVerdict result = JudgeFast(samples);
  EXPECT_EQ(result.verdict, Verdict::kInconclusive);
  EXPECT_NE(result.equivalence, Verdict::kEquivalent);
  EXPECT_THAT(result.reasons, Contains("1 of 8 guests of fine-blendfs failed"));
  samples = SmallSamples(8, 1.0);
  samples[1] = FailedSample(0, 1, "coarse-aa");
  EXPECT_EQ(JudgeFast(samples).verdict, Verdict::kNonInferior);
}

TEST(Verdict, WhatWasNotMeasuredLeavesTheClaimOpen) {
  const Claim claim = Claims(Changed("fio.app_*", "fio.lower_*"))[1];
  const ClaimVerdict result = JudgeOn("kvm", claim, SmallSamples(8, 1.0));
  EXPECT_EQ(result.verdict, Verdict::kInconclusive);
  EXPECT_THAT(result.reasons, Contains(HasSubstr("not measured in this run: fio.lower_*")));
}

TEST(Verdict, ASmokeRunDecidesNothing) {
  const ClaimVerdict result = JudgeFast(SmallSamples(1, 1.5));
  EXPECT_EQ(result.verdict, Verdict::kInconclusive);
}

TEST(Verdict, AnArmThatIsNotThereIsNamed) {
  Claim claim = Claims()[1];
  claim.arm = "fine-other";
  const ClaimVerdict result = JudgeOn("kvm", claim, SmallSamples(8, 1.0));
  EXPECT_EQ(result.verdict, Verdict::kInconclusive);
  EXPECT_THAT(result.reasons, Contains("the experiment has no arm \"fine-other\""));
}

std::vector<Sample> WithPromises(bool deletion_held) {
  std::vector<Sample> samples = SmallSamples(2, 1.0);
  for (Sample& sample : samples) {
    sample.promises = {{"user-home", true, ""}, {"deletion", true, ""}};
    if (sample.block == 1 && sample.arm != "coarse-aa") {
      sample.promises[1] = {"deletion", deletion_held, "it is back"};
    }
  }
  return samples;
}

TEST(Promises, HeldAlwaysOrNot) {
  const Claim claim = Claims()[0];
  EXPECT_EQ(JudgeOn("kvm", claim, WithPromises(true)).verdict, Verdict::kHeld);
  const ClaimVerdict broken = JudgeOn("kvm", claim, WithPromises(false));
  EXPECT_EQ(broken.verdict, Verdict::kNotHeld);
  EXPECT_THAT(broken.reasons, Contains(HasSubstr("deletion held 1 of 2 times: it is back")));
  EXPECT_EQ(JudgeOn("tcg", claim, WithPromises(true)).indicative, Verdict::kHeld);
}

TEST(Promises, UncheckedOrFailedGuestsLeaveTheClaimOpen) {
  const Claim claim = Claims()[0];
  EXPECT_EQ(JudgeOn("kvm", claim, SmallSamples(2, 1.0)).verdict, Verdict::kInconclusive);
  std::vector<Sample> samples = WithPromises(true);
  samples.push_back(FailedSample(2, 0, "fine-blendfs"));
  EXPECT_EQ(JudgeOn("kvm", claim, samples).verdict, Verdict::kInconclusive);
}

TEST(Promises, CoarseIsExpectedToLackOverrides) {
  const auto tallies = TallyPromises(SmallExperiment(2), WithPromises(false), {});
  ASSERT_EQ(tallies.size(), 2u);
  EXPECT_EQ(tallies[0].check, "deletion");  // overrides first
  EXPECT_FALSE(tallies[0].arms.at("coarse").expected);
  EXPECT_TRUE(tallies[0].arms.at("fine-blendfs").expected);
  EXPECT_TRUE(tallies[1].arms.at("coarse").expected);
  EXPECT_EQ(tallies[0].arms.at("coarse").held, 1);
  EXPECT_EQ(tallies[0].arms.at("coarse").of, 2);
}

TEST(Promises, AfterAnUpgradeTheSameIsExpectedAsBefore) {
  std::vector<Sample> samples = SmallSamples(1, 1.0);
  for (Sample& sample : samples)
    sample.promises = {{"upgrade.user-home", true, ""},
                       {"upgrade.deletion", false, "it is back"},
                       {"made-up", true, ""},
                       {"user-home", true, ""}};
  const auto tallies = TallyPromises(SmallExperiment(1), samples, {});
  std::vector<std::string> checks;
  for (const CheckTally& tally : tallies) checks.push_back(tally.check);
  EXPECT_THAT(checks, testing::ElementsAre("user-home", "upgrade.deletion", "upgrade.user-home",
                                           "made-up"));
  EXPECT_EQ(tallies[1].label, "after an upgrade: a system file the user deleted stays deleted");
  EXPECT_FALSE(tallies[1].arms.at("coarse").expected);
  EXPECT_TRUE(tallies[1].arms.at("fine-blendfs").expected);
  EXPECT_TRUE(tallies[2].arms.at("coarse").expected);
}

TEST(Promises, WritesToSharedImagesAreSeen) {
  std::vector<Sample> samples = SmallSamples(2, 1.0);
  for (Sample& sample : samples) {
    sample.raw = {{"storage", {{"system_bytes_written", 0}, {"app_bytes_written", 0}}}};
  }
  const Experiment experiment = SmallExperiment(2);
  const auto tally = [&](const ImagesUnchanged& images) {
    const auto tallies = TallyPromises(experiment, samples, images);
    EXPECT_EQ(tallies.size(), 1u);
    EXPECT_EQ(tallies.at(0).arms.size(), 1u);  // coarse writes to a clone of its own
    return tallies.at(0).arms.at("fine-blendfs");
  };
  EXPECT_EQ(tally({{"system", true}}).held, 3);
  EXPECT_EQ(tally({{"system", false}}).held, 2);
  samples[2].raw["storage"]["app_bytes_written"] = 4096;
  EXPECT_EQ(tally({{"system", true}}).held, 2);
  EXPECT_THAT(tally({}).first_broken, HasSubstr("4096 bytes"));
}

}  // namespace
}  // namespace blendbench
