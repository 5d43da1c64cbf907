// SPDX-License-Identifier: MIT
// What a mount tells of itself, in the forms that blendctl stat has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unionfs/inspect/live.h"

namespace blendfs::inspect {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kLines[] =
    "version 1.2\n"
    "uptime_seconds 7\n"
    "requests.total 5\n"
    "requests.lookup 3\n"
    "requests.read 2\n"
    "copy_ups.data 1\n"
    "nodes 4\n"
    "layer.0.hits 2\n"
    "layer.0.role upper\n"
    "layer.1.hits 9\n"
    "layer.1.role lower\n"
    "layer.0.path /a \"b\"\n"
    "layer.1.path /c\\x0a\n";

TEST(Live, ParsesWhatIsWellFormed) {
  const Figures figures = ParseFigures("a 1\nodd\n b\n\nlayer.0.path /x y\nlast 2");
  ASSERT_EQ(figures.size(), 3U);
  EXPECT_EQ(figures[0].name, "a");
  EXPECT_EQ(figures[1].value, "/x y");
  EXPECT_EQ(figures[2].value, "2");
  EXPECT_TRUE(ParseFigures("").empty());
}

TEST(Live, Text) {
  EXPECT_EQ(ToText(ParseFigures("nodes 4\nlayer.0.path /a\x1b[1m\n")),
            "nodes         4\nlayer.0.path  /a\\x1b[1m\n");
}

TEST(Live, Json) {
  EXPECT_EQ(ToJson("/m", ParseFigures(kLines)),
            R"({"mount": "/m", "version": "1.2", "uptime_seconds": 7, "nodes": 4, )"
            R"("requests": {"total": 5, "lookup": 3, "read": 2}, "copy_ups": {"data": 1}, )"
            R"("layers": [{"hits": 2, "path": "/a \"b\"", "role": "upper"}, )"
            R"({"hits": 9, "path": "/c\\x0a", "role": "lower"}]})");
}

TEST(Live, Prometheus) {
  const std::string text = ToPrometheus("/m", ParseFigures(kLines));
  EXPECT_THAT(text, HasSubstr("# TYPE blendfs_requests_total counter\n"
                              "blendfs_requests_total{mount=\"/m\",kind=\"lookup\"} 3\n"
                              "blendfs_requests_total{mount=\"/m\",kind=\"read\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("blendfs_nodes{mount=\"/m\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("blendfs_layer_hits_total{mount=\"/m\",layer=\"0\",role=\"upper\","
                              "path=\"/a \\\"b\\\"\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("path=\"/c\\\\x0a\"} 9\n"));
  EXPECT_THAT(text, HasSubstr("blendfs_info{mount=\"/m\",version=\"1.2\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("kind=\"total\""))) << "a sum beside its parts counts twice";
}

TEST(Live, WhatIsNoNumberIsNoSample) {
  EXPECT_EQ(ToPrometheus("/m", ParseFigures("nodes 4} 5\nopen_files -1\n")), "");
}

}  // namespace
}  // namespace blendfs::inspect
