// SPDX-License-Identifier: MIT
// Completion scripts: they know every command and option, shells parse them, and bash completes by them.
#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <regex>

#include "harness/tests/cli_fixture.h"

namespace blendbench {
namespace {

using testing::HasSubstr;

class CompletionTest : public CliTest {};

std::string OutputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  if (pipe != nullptr) pclose(pipe);
  return output;
}

TEST_F(CompletionTest, EveryCommandAndOptionIsCompleted) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = CallBlendbench({"completion", shell}).out;
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"run"},
                                               {"plan"},
                                               {"export"},
                                               {"show"},
                                               {"verdict"},
                                               {"list"},
                                               {"doctor"},
                                               {"explain"},
                                               {"report"},
                                               {"archive"},
                                               {"verify"},
                                               {"gate"},
                                               {"import"},
                                               {"completion"},
                                               {"calibrate"},
                                               {"collect"},
                                               {"block"},
                                               {"compare"},
                                               {"history"},
                                               {"baseline", "adopt"},
                                               {"baseline", "list"},
                                               {"baseline", "show"},
                                               {"baseline", "remove"}}) {
      const std::string word = Join(command, " ");
      EXPECT_THAT(script, HasSubstr(command.back())) << shell;
      // Whatever --help of the command names must be there: the script is made of the same definition.
      std::vector<std::string> call = command;
      call.push_back("--help");
      const std::string told = CallBlendbench(call).out;
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

TEST_F(CompletionTest, BashCompletesWhatIsTyped) {
  const std::string script = Write("c.bash", CallBlendbench({"completion", "bash"}).out);
  auto complete = [&](const std::string& words) {
    return OutputOf("bash -c '. " + script +
                    "; blendbench() { echo latest; echo r1; }; COMP_WORDS=(" + words +
                    "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _blendbench; echo ${COMPREPLY[@]}'");
  };
  EXPECT_THAT(complete("blendbench ver"), HasSubstr("verdict"));
  EXPECT_EQ(complete("blendbench plan quick --substrate k"), "kvm\n");
  EXPECT_EQ(complete("blendbench verdict --pe"), "--peek\n");
  EXPECT_EQ(complete("blendbench show la"), "latest\n");
  EXPECT_EQ(complete("blendbench completion z"), "zsh\n");
  EXPECT_EQ(complete("blendbench export r1 --format mark"), "markdown\n");
  EXPECT_EQ(complete("blendbench base"), "baseline\n");
  EXPECT_EQ(complete("blendbench baseline ad"), "adopt\n");
  EXPECT_EQ(complete("blendbench baseline adopt --rep"), "--replace\n");
  EXPECT_EQ(complete("blendbench baseline adopt --note why main r1 la"), "latest\n");
  EXPECT_EQ(complete("blendbench baseline list --pe"), "\n") << "an option of another list";
  EXPECT_EQ(complete("blendbench gate r1 --baseline la"), "latest\n");
  EXPECT_EQ(complete("blendbench gate r1 --scale a"), "auto absolute\n");
}

TEST_F(CompletionTest, BashTakesNamesAsTheyAre) {
  const std::string script = Write("c.bash", CallBlendbench({"completion", "bash"}).out);
  const std::string told = Write("told", "$(touch " + Runs() + ".carried-out)\nla test\n*\n");
  EXPECT_EQ(OutputOf("bash -c '. " + script + "; blendbench() { cat " + told +
                     "; }; COMP_WORDS=(blendbench show \"\"); COMP_CWORD=2; _blendbench; printf "
                     "\"%s|\" \"${COMPREPLY[@]}\"'"),
            "$(touch " + Runs() + ".carried-out)|la test|*|");
  EXPECT_FALSE(std::filesystem::exists(Runs() + ".carried-out"));
}

TEST_F(CompletionTest, FishCompletesWhatIsTyped) {
  if (std::system("command -v fish >/dev/null 2>&1") != 0) GTEST_SKIP() << "no fish here";
  const std::string script = Write("c.fish", CallBlendbench({"completion", "fish"}).out);
  auto complete = [&](const std::string& line) {
    return OutputOf("fish --no-config -c 'function blendbench; echo latest; end; source " + script +
                    "; complete -C \"" + line + "\"' 2>&1");
  };
  EXPECT_THAT(complete("blendbench ver"), HasSubstr("verdict"));
  EXPECT_THAT(complete("blendbench show la"), HasSubstr("latest"));
  EXPECT_EQ(complete("blendbench gate r1 --scale ab").substr(0, 8), "absolute");
}

TEST_F(CompletionTest, CompletionListsRunsSpecsAndClaims) {
  MakeJudgedRun("r1", 5, 1.0);
  EXPECT_EQ(CallBlendbench({"completion", "--candidates", "runs", "--out", Runs()}).out,
            "latest\nr1\n");
  EXPECT_THAT(CallBlendbench({"completion", "--candidates", "specs"}).out, HasSubstr("quick\n"));
  EXPECT_THAT(
      CallBlendbench({"completion", "--candidates", "claims", "--run", "r1", "--out", Runs()}).out,
      HasSubstr("no-negative-effect\n"));
  EXPECT_EQ(
      CallBlendbench({"completion", "--candidates", "claims", "--run", "nowhere", "--out", Runs()})
          .out,
      "");
  EXPECT_EQ(CallBlendbench({"completion"}).status, 2);
  EXPECT_EQ(CallBlendbench({"completion", "csh"}).status, 2);
}

}  // namespace
}  // namespace blendbench
