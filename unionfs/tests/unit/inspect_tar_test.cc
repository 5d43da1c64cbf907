// SPDX-License-Identifier: MIT
// What the archive's blocks hold; that other programs read it is shown by the mount tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unionfs/inspect/tar.h"

namespace blendfs::inspect {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Written(const TarEntry& entry, const std::string& data = "") {
  std::string out;
  TarWriter tar([&](std::string_view bytes) {
    out += bytes;
    return Status();
  });
  EXPECT_TRUE(tar.Begin(entry));
  EXPECT_TRUE(tar.Data(data));
  EXPECT_TRUE(tar.End());
  return out;
}

TarEntry Small() {
  TarEntry entry;
  entry.path = "d/f";
  entry.mode = 0644;
  entry.uid = 1000;
  entry.size = 5;
  entry.mtime = {.tv_sec = 1'000'000'000, .tv_nsec = 0};
  return entry;
}

TEST(Tar, OneBlockForWhatFits) {
  const std::string out = Written(Small(), "hello");
  ASSERT_EQ(out.size(), 1024);
  EXPECT_STREQ(&out[0], "d/f");
  EXPECT_STREQ(&out[100], "0000644");
  EXPECT_STREQ(&out[108], "0001750");
  EXPECT_STREQ(&out[124], "00000000005");
  EXPECT_STREQ(&out[136], "07346545000");
  EXPECT_EQ(out[156], '0');
  EXPECT_EQ(out.substr(257, 8), std::string("ustar\00000", 8));
  EXPECT_EQ(out.substr(512, 6), std::string("hello\0", 6));
  unsigned sum = 8 * ' ';
  for (size_t i = 0; i < 512; ++i) {
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(out[i]);
  }
  EXPECT_EQ(std::stoul(out.substr(148, 6), nullptr, 8), sum);
}

TEST(Tar, ExtendedHeaderForWhatDoesNot) {
  TarEntry entry = Small();
  entry.path = std::string(150, 'n');
  entry.uid = 3'000'000;
  entry.mtime.tv_nsec = 5;
  entry.xattrs = {{"user.x", std::string("\0=\n", 3)}};
  const std::string out = Written(entry, "hello");
  EXPECT_EQ(out[156], 'x');
  EXPECT_THAT(out, HasSubstr("160 path=" + entry.path + "\n"));
  EXPECT_THAT(out, HasSubstr("15 uid=3000000\n"));
  EXPECT_THAT(out, HasSubstr("30 mtime=1000000000.000000005\n"));
  EXPECT_THAT(out, HasSubstr(std::string("27 SCHILY.xattr.user.x=\0=\n\n", 27)));
  EXPECT_THAT(out, Not(HasSubstr("hdrcharset")));
}

TEST(Tar, NamesAreBytes) {
  TarEntry entry = Small();
  entry.path = "\xff";
  EXPECT_THAT(Written(entry, "hello"), HasSubstr("hdrcharset=BINARY\n"));
}

TEST(Tar, TimesBeforeTheEpoch) {
  TarEntry entry = Small();
  entry.mtime = {.tv_sec = -2, .tv_nsec = 250'000'000};
  EXPECT_THAT(Written(entry, "hello"), HasSubstr("mtime=-1.750000000\n"));
  entry.mtime = {.tv_sec = -1, .tv_nsec = 500'000'000};
  EXPECT_THAT(Written(entry, "hello"), HasSubstr("mtime=-0.500000000\n"));
}

TEST(Tar, ShortDataAreFilledUp) {
  TarEntry entry = Small();
  entry.size = 513;
  EXPECT_EQ(Written(entry, "short").size(), 3 * 512);
}

TEST(Tar, BigFilesSaySoInTheExtendedHeader) {
  std::string out;
  TarWriter tar([&](std::string_view bytes) {
    out += bytes;
    return Status();
  });
  TarEntry entry = Small();
  entry.size = uint64_t{1} << 34;
  EXPECT_TRUE(tar.Begin(entry));
  EXPECT_THAT(out, HasSubstr("size=17179869184\n"));
}

TEST(Tar, FailureOfTheOutputIsTheWriters) {
  TarWriter tar([](std::string_view) { return Status(tl::unexpect, Error{ENOSPC, "write"}); });
  const Status begun = tar.Begin(Small());
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ENOSPC);
}

}  // namespace
}  // namespace blendfs::inspect
