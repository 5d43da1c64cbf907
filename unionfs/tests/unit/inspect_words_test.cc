// SPDX-License-Identifier: MIT
// Names of layers as text and as JSON.
#include <gtest/gtest.h>

#include "unionfs/inspect/look.h"
#include "unionfs/inspect/words.h"

namespace blendfs::inspect {
namespace {

TEST(Printable, LeavesTextAlone) {
  EXPECT_EQ(Printable("/etc/a b'\"~"), "/etc/a b'\"~");
  EXPECT_EQ(Printable("\u00e4\u2603\U0001F600"), "\u00e4\u2603\U0001F600");
}

TEST(Printable, NothingSteersATerminal) {
  EXPECT_EQ(Printable("a\nb\\c\x1b[2J\x7f"), "a\\nb\\\\c\\x1b[2J\\x7f");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");           // CSI of 8 bits
  EXPECT_EQ(Printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right to left from here
}

TEST(Printable, BytesThatAreNoUtf8) {
  EXPECT_EQ(Printable("a\xff"), "a\\xff");
  EXPECT_EQ(Printable("\xc3"), "\\xc3");                    // cut off
  EXPECT_EQ(Printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Json, Text) {
  EXPECT_EQ(JsonText("a\"b\\\n\x01"), R"("a\"b\\\u000a\u0001")");
  EXPECT_EQ(JsonText("\u2603\xff"), "\"\u2603\\udcff\"");
}

TEST(Json, Objects) {
  EXPECT_EQ(JsonObject().Close(), "{}");
  EXPECT_EQ(JsonObject().Text("a", "x").Number("b", 7).Flag("c", false).Close(),
            R"({"a": "x", "b": 7, "c": false})");
  EXPECT_EQ(JsonArray({}), "[]");
  EXPECT_EQ(JsonArray({"1", "{}"}), "[1, {}]");
}

TEST(SplitPath, ComponentsOnly) {
  std::vector<std::string> names;
  EXPECT_TRUE(SplitPath("//a/./b/", &names));
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(SplitPath("/", &names));
  EXPECT_TRUE(names.empty());
  EXPECT_FALSE(SplitPath("a/../b", &names));
}

}  // namespace
}  // namespace blendfs::inspect
