// SPDX-License-Identifier: MIT
// The commands around a run as a user and a script see them: plan's power, explain, hidden verdicts, --json everywhere,
// warnings with their remedies, completion.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>
#include <regex>

#include "harness/cli/io.h"
#include "harness/cli/terminal_progress.h"
#include "harness/tests/cli_fixture.h"
#include "harness/tests/schema_check.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ComfortTest : public CliTest {
 protected:
  json JsonOf(std::vector<std::string> arguments, int status = 0) {
    arguments.push_back("--json");
    const Result3 result = Blendbench(arguments);
    EXPECT_EQ(result.status, status) << Join(arguments, " ") << ": " << result.err;
    json answer = json::parse(result.out, nullptr, false);
    EXPECT_FALSE(answer.is_discarded()) << Join(arguments, " ") << ": " << result.out;
    return answer;
  }
};

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
  const Result3 text = Blendbench({"plan", "smoke", "--out", Runs(), "--blocks", "10"});
  EXPECT_THAT(text.out, HasSubstr("noise measured in run pilot"));
  EXPECT_THAT(text.out, HasSubstr("about 17 minutes, as measured before\n"));
  EXPECT_EQ(Blendbench({"plan", "smoke", "--out", Runs(), "--noise", "nowhere"}).status, 2);
}

TEST_F(ComfortTest, WithoutNoisePlanSaysWhatWouldDo) {
  const Result3 plan = Blendbench({"plan", "smoke", "--out", Runs(), "--blocks", "12"});
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
  const Result3 told = Blendbench({"explain", "r", "no-negative-effect", "--out", Runs()});
  EXPECT_EQ(told.status, 0) << told.err;
  for (const char* words :
       {"1. Values by block", "2. n = 8; mean of d", "4. t quantile, 95 %, 7 degrees",
        "5. t interval, 90 %", "6. Signed-rank interval", "7. Margin 5 %",
        "8. Decision: NON-INFERIOR", "Verdict: "})
    EXPECT_THAT(told.out, HasSubstr(words));
  EXPECT_THAT(told.out, Not(HasSubstr("DOES NOT AGREE")));
  EXPECT_THAT(Blendbench({"explain", "r", "--out", Runs()}).err, HasSubstr("no-negative-effect"));
  EXPECT_THAT(Blendbench({"explain", "r", "no-effect", "--out", Runs()}).err,
              HasSubstr("no such claim"));
  EXPECT_THAT(Blendbench({"explain", "r", "--metric", "boot.totl_s", "--arm", "fine-blendfs",
                          "--out", Runs()})
                  .err,
              HasSubstr("did you mean boot.total_s?"));
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
    const Result3 hidden = Blendbench(arguments);
    EXPECT_EQ(hidden.status, 2);
    EXPECT_EQ(hidden.out, "");
    ExpectOneLine(hidden.err);
    EXPECT_THAT(hidden.err, HasSubstr("--peek"));
    arguments.push_back("--peek");
    EXPECT_EQ(Blendbench(arguments).status, 0);
  }
  EXPECT_THAT(Blendbench({"show", "r", "--out", Runs()}).out, Not(HasSubstr("geometric means")));
  EXPECT_THAT(Blendbench({"show", "r", "--out", Runs(), "--peek"}).out,
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

// --- machine-readable everywhere ---

TEST_F(ComfortTest, EveryAnswerHasTheDocumentedShape) {
  MakeJudgedRun("r", 6, 1.0);
  std::ofstream(fs::path(Runs()) / "r" / "samples.jsonl", std::ios::app) << "{\"torn";
  const std::string archive = (folder_.path() / "r.tar.gz").string();
  const json schema =
      json::parse(*ReadFile(fs::path(BLEND_SOURCE_DIR) / "results/schema/cli.schema.json"));
  const std::vector<std::vector<std::string>> commands = {
      {"plan", "smoke", "--out", Runs()},
      {"show", "r", "--out", Runs()},
      {"verdict", "r", "--out", Runs()},
      {"explain", "r", "no-negative-effect", "--out", Runs()},
      {"list", "--out", Runs()},
      {"run", "smoke", "--blocks", "6", "--images", "i", "--out", Runs(), "--run", "r", "--resume"},
      {"export", "r", "--out", Runs(), "-o", (folder_.path() / "x.json").string()},
      {"archive", "r", "--out", Runs(), "--no-page", "-o", archive},
      {"verify", archive},
      {"completion", "bash"},
      {"completion", "--candidates", "runs", "--out", Runs()}};
  for (const std::vector<std::string>& arguments : commands) {
    const json answer = JsonOf(arguments, 0);
    EXPECT_EQ(answer["command"], arguments[0]);
    const json& shape = schema["$defs"][arguments[0]];
    ASSERT_TRUE(shape.is_object()) << arguments[0] << " is not in results/schema/cli.schema.json";
    EXPECT_THAT(SchemaCheck()(answer, shape, schema), IsEmpty()) << arguments[0];
  }
}

TEST_F(ComfortTest, WarningsAreValuesWithARemedy) {
  MakeJudgedRun("r", 6, 1.0);
  std::ofstream(fs::path(Runs()) / "r" / "samples.jsonl", std::ios::app) << "{\"torn";
  const json warning = JsonOf({"show", "r", "--out", Runs()})["warnings"].at(0);
  EXPECT_EQ(warning["kind"], "torn-line");
  EXPECT_THAT(warning["subject"], HasSubstr("samples.jsonl:31"));
  EXPECT_THAT(warning["remedy"], HasSubstr("--resume"));
  EXPECT_EQ(Blendbench({"show", "r", "--out", Runs(), "--json"}).err, "");  // once is enough
  EXPECT_THAT(Blendbench({"show", "r", "--out", Runs()}).err, HasSubstr("warning: "));
}

TEST(ComfortColours, OnlyOnATerminalThatMayShowThem) {
  EXPECT_TRUE(WantsColours(true, nullptr, "xterm"));
  EXPECT_TRUE(WantsColours(true, "", "xterm"));
  EXPECT_FALSE(WantsColours(false, nullptr, "xterm"));
  EXPECT_FALSE(WantsColours(true, "1", "xterm"));
  EXPECT_FALSE(WantsColours(true, nullptr, "dumb"));
  EXPECT_FALSE(WantsColours(true, nullptr, nullptr));
}

// --- completion ---

std::string OutputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  if (pipe != nullptr) pclose(pipe);
  return output;
}

TEST_F(ComfortTest, EveryCommandAndOptionIsCompleted) {
  const std::string help = Blendbench({"--help"}).out;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = Blendbench({"completion", shell}).out;
    for (const char* word : {"run", "plan", "export", "show", "verdict", "list", "doctor",
                             "explain", "report", "archive", "verify", "completion"}) {
      EXPECT_THAT(script, HasSubstr(word)) << shell;
      // Whatever --help of the command names must be there: the script is made of the same definition.
      const std::string told = Blendbench({word, "--help"}).out;
      const std::regex option("--([a-z-]+)");
      for (std::sregex_iterator at(told.begin(), told.end(), option), end; at != end; ++at) {
        const std::string name = (*at)[1];
        const bool mentioned_only =
            std::string(told.substr(0, static_cast<size_t>(at->position()))).find("Examples:") !=
            std::string::npos;
        if (!mentioned_only && told.find("\n  --" + name) != std::string::npos) {
          EXPECT_THAT(script, HasSubstr(std::string(shell) == "fish" ? "-l " + name : "--" + name))
              << shell << " " << word;
        }
      }
    }
    const std::string file = Write(std::string("c.") + shell, script);
    if (std::system((std::string("command -v ") + shell + " >/dev/null 2>&1").c_str()) == 0) {
      EXPECT_EQ(std::system((std::string(shell) + " -n " + file).c_str()), 0)
          << shell << " does not parse it";
    }
  }
}

TEST_F(ComfortTest, BashCompletesWhatIsTyped) {
  const std::string script = Write("c.bash", Blendbench({"completion", "bash"}).out);
  auto complete = [&](const std::string& words) {
    return OutputOf("bash -c '. " + script + "; blendbench() { echo latest r1; }; COMP_WORDS=(" +
                    words +
                    "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _blendbench; echo ${COMPREPLY[@]}'");
  };
  EXPECT_THAT(complete("blendbench ver"), HasSubstr("verdict"));
  EXPECT_EQ(complete("blendbench plan quick --substrate k"), "kvm\n");
  EXPECT_EQ(complete("blendbench verdict --pe"), "--peek\n");
  EXPECT_EQ(complete("blendbench show la"), "latest\n");
  EXPECT_EQ(complete("blendbench completion z"), "zsh\n");
  EXPECT_EQ(complete("blendbench export r1 --format mark"), "markdown\n");
}

TEST_F(ComfortTest, CompletionListsRunsSpecsAndClaims) {
  MakeJudgedRun("r1", 5, 1.0);
  EXPECT_EQ(Blendbench({"completion", "--candidates", "runs", "--out", Runs()}).out,
            "latest\nr1\n");
  EXPECT_THAT(Blendbench({"completion", "--candidates", "specs"}).out, HasSubstr("quick\n"));
  EXPECT_THAT(
      Blendbench({"completion", "--candidates", "claims", "--run", "r1", "--out", Runs()}).out,
      HasSubstr("no-negative-effect\n"));
  EXPECT_EQ(
      Blendbench({"completion", "--candidates", "claims", "--run", "nowhere", "--out", Runs()}).out,
      "");
  EXPECT_EQ(Blendbench({"completion"}).status, 2);
  EXPECT_EQ(Blendbench({"completion", "csh"}).status, 2);
}

}  // namespace
}  // namespace blendbench
