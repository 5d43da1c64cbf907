// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "unionfs/base/log.h"

namespace blendfs {
namespace {

using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

// In one test, because the limit on the rate counts over all of them.
TEST(Log, OneCleanLineEachAndNotTooMany) {
  CaptureStderr();
  LogError("no such layer");
  LogWarning("odd layer");
  LogInfo("not shown by default");
  EXPECT_EQ(GetCapturedStderr(), "blendfs: no such layer\nblendfs: warning: odd layer\n");

  CaptureStderr();
  LogWarning("name with\nnewline, \x1b[31mcolour and \x7f");
  EXPECT_EQ(GetCapturedStderr(), "blendfs: warning: name with?newline, ?[31mcolour and ?\n");

  CaptureStderr();
  LogError(std::string(5000, 'x'));
  EXPECT_LT(GetCapturedStderr().size(), 1000u);

  CaptureStderr();
  SetLogLevel(LogLevel::kDebug);
  LogInfo("now shown");
  SetLogLevel(LogLevel::kWarning);
  EXPECT_EQ(GetCapturedStderr(), "blendfs: now shown\n");

  CaptureStderr();
  SetLogLevel(LogLevel::kDebug);
  for (int i = 0; i < 100; ++i) Log(LogLevel::kDebug, "wanted");
  SetLogLevel(LogLevel::kWarning);
  const std::string wanted = GetCapturedStderr();
  EXPECT_EQ(std::count(wanted.begin(), wanted.end(), '\n'), 100);

  CaptureStderr();
  for (int i = 0; i < 1000; ++i) LogWarning("flood");
  const std::string flood = GetCapturedStderr();
  EXPECT_LT(std::count(flood.begin(), flood.end(), '\n'), 60);
  EXPECT_GE(std::count(flood.begin(), flood.end(), '\n'), 1);
}

TEST(Log, LevelsHaveNames) {
  for (const LogLevel level :
       {LogLevel::kError, LogLevel::kWarning, LogLevel::kInfo, LogLevel::kDebug}) {
    EXPECT_EQ(ParseLogLevel(Name(level)), level);
  }
  EXPECT_EQ(Name(LogLevel::kInfo), "info");
  EXPECT_EQ(ParseLogLevel("loud"), std::nullopt);
  EXPECT_TRUE(IsLogged(LogLevel::kError));
  EXPECT_FALSE(IsLogged(LogLevel::kDebug));
}

}  // namespace
}  // namespace blendfs
