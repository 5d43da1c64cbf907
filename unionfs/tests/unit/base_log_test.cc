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
  for (int i = 0; i < 1000; ++i) LogWarning("flood");
  const std::string flood = GetCapturedStderr();
  EXPECT_LT(std::count(flood.begin(), flood.end(), '\n'), 60);
  EXPECT_GE(std::count(flood.begin(), flood.end(), '\n'), 1);
}

}  // namespace
}  // namespace blendfs
