// SPDX-License-Identifier: MIT
// Parts of the host substrate that need no mount: blendload's answer doubted, programs looked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/host/load.h"
#include "harness/host/program_case.h"
#include "harness/host/programs.h"
#include "harness/host/template_image.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kAnswer =
    R"({"bytes":1048576,"caller_cpu_s":0.25,"case":"x","count":9,"daemon_cpu_s":0.5,"rounds":3,"seconds":0.5})";

std::string With(const std::string& from, const std::string& to) {
  std::string text = kAnswer;
  return text.replace(text.find(from), from.size(), to);
}

TEST(ParseLoad, TakesTheLastLine) {
  const auto result = ParseLoad(std::string("a warning\n") + kAnswer + "\n", true);
  ASSERT_TRUE(result) << result.error();
  EXPECT_DOUBLE_EQ(result->seconds, 0.5);
  EXPECT_DOUBLE_EQ(result->cpu_s, 0.75);
  EXPECT_DOUBLE_EQ(result->bytes, 1048576);
  EXPECT_EQ(result->raw["rounds"], 3);
}

TEST(ParseLoad, DoubtsWhatCannotBe) {
  for (const std::string& wrong :
       {std::string(""), std::string("[]"), std::string("{}"), std::string("null"),
        With("\"seconds\":0.5", "\"seconds\":0"), With("\"seconds\":0.5", "\"seconds\":-1"),
        With("\"seconds\":0.5", "\"seconds\":\"1\""), With("0.25", "-0.25"), With("1048576", "-1"),
        std::string(kAnswer).substr(0, 60)})
    EXPECT_FALSE(ParseLoad(wrong, false)) << wrong;
  EXPECT_TRUE(ParseLoad(With("1048576", "0"), false));
  EXPECT_FALSE(ParseLoad(With("1048576", "0"), true));  // a rate of nothing
}

TEST(Programs, AreFoundByPathAndByName) {
  EXPECT_NE(FindProgram("sh"), "");
  EXPECT_EQ(FindProgram("no-such-program-anywhere"), "");
  EXPECT_EQ(FindProgram(""), "");
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "tool";
  std::ofstream(file) << "#!/bin/sh\necho tool 1.2\necho more\n";
  EXPECT_EQ(FindProgram(file.string()), "") << "not executable";
  fs::permissions(file, fs::perms::owner_all);
  EXPECT_EQ(FindProgram(file.string()), file);
  EXPECT_EQ(FindProgram(folder.path().string() + "/"), "") << "a folder";
}

TEST(Programs, AMissingEngineSaysSoWithItsRemedy) {
  EngineDescriptor engine;
  engine.name = "made-up";
  engine.program = "no-such-program-anywhere";
  engine.package = "made-up-tools";
  const EngineHere missing = LookForEngine(engine, nullptr);
  EXPECT_THAT(missing.missing, HasSubstr("not available here"));
  EXPECT_THAT(missing.missing, HasSubstr("made-up-tools"));

  const TemporaryFolder folder;
  engine.program = (folder.path() / "tool").string();
  std::ofstream(engine.program) << "#!/bin/sh\necho tool 1.2\necho more\n";
  fs::permissions(engine.program, fs::perms::owner_all);
  const EngineHere there = LookForEngine(engine, nullptr);
  EXPECT_EQ(there.missing, "");
  EXPECT_EQ(there.version, "tool 1.2");
  EXPECT_EQ(there.sha256.size(), 64u);

  engine.kind = MountKind::kBind;
  EXPECT_EQ(LookForEngine(engine, nullptr).missing, "");
}

TEST(ProgramCase, OneThatIsFastAndWrongIsAnError) {
  const TemporaryFolder folder;
  Program program;
  program.id = "made-up";
  program.script = "made-up.sh";
  ProgramPlace place;
  place.script = folder.path() / program.script;
  place.root = place.backing = place.data = folder.path();
  const auto run = [&](const std::string& script) {
    std::ofstream(place.script) << "set -e\n" << script;
    fs::remove_all(folder.path() / program.id);
    return RunProgramCase(program, place, {}, Deadline::After(60));
  };
  const auto good =
      run("case $1 in prepare) [ -d \"$2\" ]; [ \"$2\" = \"$3/made-up\" ] ;;\n"
          "run) sleep 0.1; i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done ;;\n"
          "check) [ \"$BLEND_BACKING\" = \"$3\" ]; echo 3 files ;; esac\n");
  ASSERT_TRUE(good) << good.error();
  EXPECT_GE(good->seconds, 0.1);
  EXPECT_GT(good->cpu_s, 0);
  EXPECT_EQ(good->raw["checked"], "3 files");
  const auto wrong = run("[ $1 != check ] || { echo a file is lost >&2; exit 1; }\n");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error(), HasSubstr("wrong result: "));
  EXPECT_THAT(wrong.error(), HasSubstr("a file is lost"));
  const auto unable = run("[ $1 != prepare ] || { echo no room >&2; exit 1; }\n");
  ASSERT_FALSE(unable);
  EXPECT_THAT(unable.error(), HasSubstr("preparing: "));
  program.needs = {{{"no-such-program-anywhere", "nor-this"}, "made-up-tools"}};
  EXPECT_THAT(MissingProgram(program), HasSubstr("install the package made-up-tools"));
  program.needs = {{{"no-such-program-anywhere", "sh"}, "made-up-tools"}};
  EXPECT_EQ(MissingProgram(program), "");
}

TEST(ArmBytes, GrowWithWhatTheCasesWrite) {
  const auto bytes = [](std::initializer_list<const char*> ids) {
    std::vector<HostCase> cases;
    for (const char* id : ids) cases.push_back(*FindHostCase(id));
    return ArmBytes(cases);
  };
  EXPECT_LT(bytes({"warm-find"}), uint64_t{1} << 30);
  EXPECT_GT(bytes({"first-write-512M"}), uint64_t{1} << 30);
  EXPECT_GT(bytes({"warm-find", "boot-userspace"}), bytes({"warm-find"}));
}

}  // namespace
}  // namespace blendbench
