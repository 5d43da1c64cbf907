// SPDX-License-Identifier: MIT
// The command line of blendctl.
#include "unionfs/tools/ctl_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blendfs::tools {
namespace {

using Command = CtlOptions::Command;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kLayers[] = "lowerdir=/a\\:b:/c,upperdir=/u,workdir=/w";

CtlOptions Good(const std::vector<std::string>& arguments) {
  auto options = ParseCtlOptions(arguments);
  EXPECT_TRUE(options.has_value()) << options.error();
  return options ? *options : CtlOptions{};
}

std::string Bad(const std::vector<std::string>& arguments) {
  auto options = ParseCtlOptions(arguments);
  EXPECT_FALSE(options.has_value());
  return options ? "" : options.error();
}

TEST(CtlOptions, Layers) {
  const CtlOptions options =
      Good({"explain", "-o", kLayers, "-o", "userxattr,fsync=volatile", "/x"});
  EXPECT_EQ(options.command, Command::kExplain);
  EXPECT_THAT(options.stack.lowers, ElementsAre("/a:b", "/c"));
  EXPECT_EQ(options.stack.upper, "/u");
  EXPECT_EQ(options.stack.work, "/w");
  EXPECT_TRUE(options.stack.userxattr);
  EXPECT_FALSE(options.stack.volatile_upper);
  EXPECT_FALSE(options.stack.for_others);
  EXPECT_TRUE(Good({"explain", "-o", kLayers, "-o", "allow_other", "/x"}).stack.for_others);
  EXPECT_THAT(options.operands, ElementsAre("/x"));
}

TEST(CtlOptions, SwitchesOfEachCommand) {
  EXPECT_TRUE(Good({"check", "--repair", "--json", "-o", kLayers}).repair);
  EXPECT_EQ(Good({"diff", "--tar=f", "-o", kLayers}).tar, "f");
  EXPECT_EQ(Good({"diff", "--tar", "-", "-o", kLayers}).tar, "-");
  EXPECT_THAT(Good({"explain", "-olowerdir=/a", "--", "-x"}).operands, ElementsAre("-x"));
  EXPECT_EQ(Good({"flatten", "-o", "lowerdir=/a", "/out"}).operands[0], "/out");
  EXPECT_EQ(Good({"explain", "--help"}).command, Command::kHelp);
}

TEST(CtlOptions, WhatIsAboutAMount) {
  const CtlOptions stat = Good({"stat", "--prometheus", "/mnt"});
  EXPECT_EQ(stat.form, CtlOptions::Form::kPrometheus);
  EXPECT_EQ(stat.mount_point, "/mnt");
  EXPECT_EQ(Good({"stat"}).mount_point, "/");
  EXPECT_TRUE(Good({"stat", "--json"}).json());
  const CtlOptions log = Good({"log", "debug", "/mnt"});
  EXPECT_EQ(log.log_level, "debug");
  EXPECT_EQ(log.mount_point, "/mnt");

  EXPECT_THAT(Bad({"stat", "-o", kLayers}), HasSubstr("-o is not for stat"));
  EXPECT_THAT(Bad({"stat", "/a", "/b"}), HasSubstr("unexpected operand '/b'"));
  EXPECT_THAT(Bad({"stat", "--json", "--prometheus"}), HasSubstr("choose one"));
  EXPECT_THAT(Bad({"log"}), HasSubstr("needs a level"));
  EXPECT_THAT(Bad({"log", "loud"}), HasSubstr("unknown level 'loud'"));
  EXPECT_THAT(Bad({"log", "--json", "info"}), HasSubstr("not for log"));
  EXPECT_THAT(Bad({"explain", "--prometheus", "-o", kLayers, "/x"}), HasSubstr("not for explain"));
}

TEST(CtlOptions, Complaints) {
  EXPECT_THAT(Bad({}), HasSubstr("no command"));
  EXPECT_THAT(Bad({"mend"}), HasSubstr("unknown command 'mend'"));
  EXPECT_THAT(Bad({"check", "-o"}), HasSubstr("needs a value"));
  EXPECT_THAT(Bad({"check", "-o", "lowerdir=/a"}), HasSubstr("upperdir="));
  EXPECT_THAT(Bad({"check", "-o", "lowerdir=/a,upperdir=/u"}), HasSubstr("workdir"));
  EXPECT_THAT(Bad({"diff", "--repair", "-o", kLayers}), HasSubstr("not for diff"));
  EXPECT_THAT(Bad({"check", "--tar", "f", "-o", kLayers}), HasSubstr("--tar is for diff"));
  EXPECT_THAT(Bad({"diff", "--tar=", "-o", kLayers}), HasSubstr("needs a file"));
  EXPECT_THAT(Bad({"diff", "--json", "--tar=f", "-o", kLayers}), HasSubstr("choose one"));
  EXPECT_THAT(Bad({"flatten", "-o", kLayers, "a", "b"}), HasSubstr("one directory"));
  EXPECT_THAT(Bad({"flatten", "--json", "-o", kLayers, "a"}), HasSubstr("not for flatten"));
  EXPECT_THAT(Bad({"explain", "-o", kLayers}), HasSubstr("needs a path"));
}

}  // namespace
}  // namespace blendfs::tools
