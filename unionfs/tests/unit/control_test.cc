// SPDX-License-Identifier: MIT
// Who may ask a mount about itself, and what it answers.
#include "unionfs/fuse/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "unionfs/base/log.h"
#include "unionfs/fuse/report.h"

namespace blendfs::fuse {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uid_t kStranger = 4'000'000;

class ControlTest : public ::testing::Test {
 protected:
  ~ControlTest() override { SetLogLevel(LogLevel::kWarning); }
  const Control control_{"trusted.blendfs.", [] { return std::string("nodes 1\n"); }};
};

TEST_F(ControlTest, HasItsOwnAttributesOnly) {
  EXPECT_TRUE(control_.Has("trusted.blendfs.statistics"));
  EXPECT_TRUE(control_.Has("trusted.blendfs.log_level"));
  EXPECT_FALSE(control_.Has("trusted.blendfs.whiteouts"));
  EXPECT_FALSE(control_.Has("user.blendfs.statistics"));
  EXPECT_EQ(control_.Get("trusted.blendfs.other", 0).error().code, ENODATA);
}

TEST_F(ControlTest, Answers) {
  EXPECT_EQ(*control_.Get("trusted.blendfs.statistics", 0), "nodes 1\n");
  EXPECT_EQ(*control_.Get("trusted.blendfs.log_level", geteuid()), "warning");
}

TEST_F(ControlTest, SetsTheLogLevel) {
  EXPECT_TRUE(control_.Set("trusted.blendfs.log_level", "debug", 0).has_value());
  EXPECT_EQ(CurrentLogLevel(), LogLevel::kDebug);
  EXPECT_EQ(control_.Set("trusted.blendfs.log_level", "loud", 0).error().code, EINVAL);
  EXPECT_EQ(control_.Set("trusted.blendfs.statistics", "0", 0).error().code, EACCES);
  EXPECT_EQ(CurrentLogLevel(), LogLevel::kDebug);
}

TEST_F(ControlTest, RefusesStrangers) {
  EXPECT_EQ(control_.Get("trusted.blendfs.statistics", kStranger).error().code, EPERM);
  EXPECT_EQ(control_.Set("trusted.blendfs.log_level", "debug", kStranger).error().code, EPERM);
  EXPECT_EQ(CurrentLogLevel(), LogLevel::kWarning);
}

TEST(RenderFigures, NamesEveryLayer) {
  Statistics statistics;
  statistics.Count(Kind::kLookup);
  statistics.Count(Kind::kLookup);
  statistics.Count(Kind::kOpenCached);
  statistics.CountRead(4096);
  ::blendfs::fuse::Figures figures;
  figures.uptime = std::chrono::seconds(61);
  figures.counters.metadata_copy_ups = 3;
  figures.counters.layers = {{"/me/upper", true, 5}, {"/odd\nname\\", false, 7}};
  const std::string text = RenderFigures(statistics, figures);
  for (const char* line :
       {"uptime_seconds 61\n", "requests.total 2\n", "requests.lookup 2\n", "opens.cached 1\n",
        "read_bytes 4096\n", "copy_ups.metadata 3\n", "layer.0.role upper\n", "layer.0.hits 5\n",
        "layer.0.path /me/upper\n", "layer.1.role lower\n", "layer.1.path /odd\\x0aname\\x5c\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("requests.opens")));
}

TEST(RenderFigures, FitsAnAttributeWithAsManyLayersAsThereMayBe) {
  ::blendfs::fuse::Figures figures;
  figures.counters.layers.assign(500, {std::string(4000, 'x'), false, UINT64_MAX});
  const std::string text = RenderFigures(Statistics{}, figures);
  EXPECT_LT(text.size(), 65'536U);
  EXPECT_THAT(text, HasSubstr("layer.499.hits 18446744073709551615\n"));
}

}  // namespace
}  // namespace blendfs::fuse
