// SPDX-License-Identifier: MIT
// The commands around a run as a user sees them: plan's power, explain, hidden verdicts.
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "harness/cli/io.h"
#include "harness/cli/terminal_progress.h"
#include "harness/tests/cli_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class ComfortTest : public CliTest {};

// --- plan ---

TEST_F(ComfortTest, PlanTellsThePowerOfStatedNoise) {
  const json quiet = JsonOf({"plan", "quick", "--out", Runs(), "--blocks", "12", "--sd", "1"});
  const json loud = JsonOf({"plan", "quick", "--out", Runs(), "--blocks", "12", "--sd", "10"});
  auto weakest = [](const json& plan) {
    double power = 1;
    for (const json& design : plan["power"])
      for (const json& metric : design["metrics"])
        power = std::min(power, metric["power"].get<double>());
    return power;
  };
  EXPECT_GT(weakest(quiet), 0.99);
  EXPECT_LT(weakest(loud), 0.6);
  EXPECT_TRUE(quiet["warnings"].empty()) << quiet["warnings"].dump();
  EXPECT_EQ(loud["warnings"][0]["kind"], "underpowered");
  EXPECT_THAT(loud["warnings"][0]["remedy"], HasSubstr("--blocks "));
  // The blocks it asks for are those that the same noise needs.
  const int wanted = loud["power"][0]["blocks_for_90_power"];
  EXPECT_GT(weakest(JsonOf({"plan", "quick", "--out", Runs(), "--blocks", std::to_string(wanted),
                            "--sd", "10"})),
            0.899);
  EXPECT_LT(weakest(JsonOf({"plan", "quick", "--out", Runs(), "--blocks",
                            std::to_string(wanted - 1), "--sd", "10"})),
            0.9);
}

TEST_F(ComfortTest, FewerBlocksThanTheIntervalsNeedHaveNoPower) {
  const json plan = JsonOf({"plan", "quick", "--out", Runs(), "--blocks", "4", "--sd", "0.1"});
  EXPECT_EQ(plan["power"][0]["power_most"], 0);
}

TEST_F(ComfortTest, PlanMeasuresNoiseAndTimeInAnEarlierRun) {
  MakeJudgedRun("pilot", 6, 1.0);
  const json plan = JsonOf({"plan", "smoke", "--out", Runs(), "--blocks", "10"});
  EXPECT_EQ(plan["noise"], "measured in run pilot");
  const json& metric = plan["power"][0]["metrics"][0];
  EXPECT_EQ(metric["pilot_blocks"], 6);
  EXPECT_GT(metric["sd_log"], 0.001);
  EXPECT_LT(metric["sd_log"], 0.02);
  EXPECT_DOUBLE_EQ(plan["estimate_s"], 20.0 * 50);  // twenty seconds each, as the samples took
  const Called text = CallBlendbench({"plan", "smoke", "--out", Runs(), "--blocks", "10"});
  EXPECT_THAT(text.out, HasSubstr("noise measured in run pilot"));
  EXPECT_THAT(text.out, HasSubstr("about 17 minutes, as measured before\n"));
  EXPECT_EQ(CallBlendbench({"plan", "smoke", "--out", Runs(), "--noise", "nowhere"}).status, 2);
}

TEST_F(ComfortTest, WithoutNoisePlanSaysWhatWouldDo) {
  const Called plan = CallBlendbench({"plan", "smoke", "--out", Runs(), "--blocks", "12"});
  EXPECT_EQ(plan.status, 0);
  EXPECT_THAT(
      plan.out,
      HasSubstr("12 blocks give 90 % for a margin of 5 % where the ratio scatters by at most"));
  EXPECT_THAT(plan.err, HasSubstr("give --sd PERCENT or --noise RUN"));
  EXPECT_FALSE(fs::exists(Runs()));  // a dry run leaves nothing
}

// --- explain ---

TEST_F(ComfortTest, ExplainCanBeDoneAgainByHand) {
  MakeJudgedRun("r", 8, 1.10);
  const json told = JsonOf({"explain", "r", "--out", Runs(), "--metric", "boot.total_s", "--arm",
                            "fine-blendfs"})["comparison"];
  double sum = 0, squares = 0;
  std::vector<double> d;
  for (const json& block : told["blocks"])
    d.push_back(std::log(block["arm"].get<double>() / block["reference"].get<double>()));
  ASSERT_EQ(d.size(), 8u);
  for (size_t i = 0; i < d.size(); ++i) {
    EXPECT_NEAR(told["blocks"][i]["d"], d[i], 1e-12);
    sum += d[i];
  }
  const double mean = sum / 8;
  for (const double value : d) squares += (value - mean) * (value - mean);
  const double sd = std::sqrt(squares / 7);
  EXPECT_NEAR(told["mean"], mean, 1e-12);
  EXPECT_NEAR(told["sd"], sd, 1e-12);
  EXPECT_NEAR(told["t_quantile"], 1.894579, 1e-6);  // of any table: 95 %, 7 degrees of freedom
  EXPECT_NEAR(told["t_interval"]["low"], mean - 1.894579 * sd / std::sqrt(8), 1e-7);
  EXPECT_NEAR(told["bound"], std::log(1.05), 1e-12);
  EXPECT_EQ(told["signed_rank_cut"],
            6);  // of Wilcoxon's table: n = 8, 5 % one-sided, critical value 5
  EXPECT_EQ(told["walsh_averages"], 36);
  EXPECT_EQ(told["decision"], "REFUTED");
  EXPECT_EQ(told["disagreement"], "");
}

TEST_F(ComfortTest, ExplainTellsAClaimInWords) {
  MakeJudgedRun("r", 8, 1.0);
  const Called told = CallBlendbench({"explain", "r", "no-negative-effect", "--out", Runs()});
  EXPECT_EQ(told.status, 0) << told.err;
  for (const char* words :
       {"1. Values by block", "2. n = 8; mean of d", "4. t quantile, 95 %, 7 degrees",
        "5. t interval, 90 %", "6. Signed-rank interval", "7. Margin 5 %",
        "8. Decision: NON-INFERIOR", "Verdict: "})
    EXPECT_THAT(told.out, HasSubstr(words));
  EXPECT_THAT(told.out, Not(HasSubstr("DOES NOT AGREE")));
  EXPECT_THAT(CallBlendbench({"explain", "r", "--out", Runs()}).err,
              HasSubstr("no-negative-effect"));
  EXPECT_THAT(CallBlendbench({"explain", "r", "no-effect", "--out", Runs()}).err,
              HasSubstr("no such claim"));
  EXPECT_THAT(CallBlendbench({"explain", "r", "--metric", "boot.totl_s", "--arm", "fine-blendfs",
                              "--out", Runs()})
                  .err,
              HasSubstr("did you mean boot.total_s?"));
}

// A verdict and its explanation leave out the same blocks, and so does the noise that a plan is made with.
TEST_F(ComfortTest, BlocksTheRulesOnNoiseLeaveOutAreLeftOutEverywhere) {
  const std::string spec = Profile("smoke");
  const std::string claims = *ReadFile(fs::path(BLEND_SOURCE_DIR) / "paper" / "claims.toml");
  Experiment experiment = *ParseExperiment(spec, "smoke.toml");
  experiment.blocks = 7;
  const Plan plan = MakePlan(experiment, Sha256Hex(claims));
  auto run = RunFolder::Create(Runs(), "r", plan, spec, claims);
  ASSERT_TRUE(run) << run.error().message;
  Environment environment;
  environment.substrate = "kvm";
  ASSERT_TRUE(run->WriteEnvironment(environment));
  int number = 0;
  for (const Step& step : plan.steps) {
    std::map<std::string, double> metrics;
    const bool wild = step.block == 3 && step.arm == "fine-blendfs";
    for (const Metric& metric : MetricsOf(experiment))
      metrics[metric.id] = (wild ? 50 : 10) + 0.01 * (number++ % 7);
    Sample sample = OkSample(step.block, step.order, step.arm, metrics);
    sample.provenance = {{"noise", {{"steal", step.block == 3 ? 0.5 : 0.0}}}};
    ASSERT_TRUE(run->Append(sample));
  }
  const json told = JsonOf({"explain", "r", "no-negative-effect", "--out", Runs()})["claim"];
  ASSERT_FALSE(told["parts"].empty());
  for (const json& part : told["parts"]) {
    EXPECT_EQ(part["n"], 6);
    EXPECT_EQ(part["decision"], "NON-INFERIOR");
    EXPECT_EQ(part["disagreement"], "");
    EXPECT_THAT(part["blocks"][3]["left_out"], HasSubstr("rules on noise"));
  }
  const json planned = JsonOf({"plan", "smoke", "--noise", "r", "--out", Runs()});
  EXPECT_EQ(planned["power"][0]["metrics"][0]["pilot_blocks"], 6);
  EXPECT_LT(planned["power"][0]["metrics"][0]["sd_log"], 0.02);
}

TEST_F(ComfortTest, ExplainNamesTheBlocksThatDoNotCount) {
  MakeRun("r", 5, true);  // one block, one guest failed
  const json told = JsonOf({"explain", "r", "no-negative-effect", "--out", Runs()})["claim"];
  std::string why;
  for (const json& part : told["parts"])
    for (const json& block : part["blocks"]) why += block["left_out"].get<std::string>() + ";";
  EXPECT_THAT(why, HasSubstr("has no such metric"));
  EXPECT_EQ(told["parts"][0]["decision"], "INCONCLUSIVE");
}

// --- verdicts before the end ---

TEST_F(ComfortTest, AnUnfinishedRunShowsNoVerdictAndNoValueUnlessAsked) {
  MakeJudgedRun("r", 8, 1.10, 30);
  for (const char* command : {"verdict", "explain"}) {
    std::vector<std::string> arguments = {command, "r", "--out", Runs()};
    if (std::string(command) == "explain")
      arguments.insert(arguments.begin() + 2, "no-negative-effect");
    const Called hidden = CallBlendbench(arguments);
    EXPECT_EQ(hidden.status, 2);
    EXPECT_EQ(hidden.out, "");
    ExpectOneLine(hidden.err);
    EXPECT_THAT(hidden.err, HasSubstr("--peek"));
    arguments.push_back("--peek");
    EXPECT_EQ(CallBlendbench(arguments).status, 0);
  }
  EXPECT_THAT(CallBlendbench({"show", "r", "--out", Runs()}).out,
              Not(HasSubstr("geometric means")));
  EXPECT_THAT(CallBlendbench({"show", "r", "--out", Runs(), "--peek"}).out,
              HasSubstr("geometric means"));
}

TEST(ComfortProgress, HidesEveryMeasuredValue) {
  std::ostringstream out, err;
  Io io{out, err, true, false};
  TerminalProgress progress(io);
  progress.RunStarted(2, 0, 30);
  progress.StepStarted(0, 0, "coarse");
  progress.StepFinished(
      0, OkSample(0, 0, "coarse", {{"boot.total_s", 77.125}, {"fio.path_read_1m_mbps", 612.5}}));
  progress.RunFinished();
  EXPECT_THAT(err.str(), HasSubstr("0:20 left"));
  for (const char* value : {"77", "612", "VERDICT", "INFERIOR"})
    EXPECT_THAT(err.str(), Not(HasSubstr(value)));
}

}  // namespace
}  // namespace blendbench
