// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/base/cpio.h"
#include "harness/base/files.h"
#include "harness/base/sample.h"
#include "harness/base/text.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

TEST(Sample, RoundTripsThroughJson) {
  const Sample good = OkSample(3, 1, "coarse", {{"boot.total_s", 12.5}, {"shutdown_s", 1e-3}});
  EXPECT_EQ(ToJson(SampleFromJson(ToJson(good))), ToJson(good));
  Sample failed = FailedSample(0, 4, "fine-blendfs");
  failed.promises = {{"deletion", false, "still there"}};
  failed.raw = {{"markers", {{"I", 1.5}}}};
  EXPECT_EQ(ToJson(SampleFromJson(json::parse(ToJson(failed).dump()))), ToJson(failed));
}

TEST(Sample, UnknownMembersAreNoError) {
  json object = ToJson(OkSample(0, 0, "coarse", {}));
  object["future"] = 1;
  EXPECT_EQ(SampleFromJson(object).arm, "coarse");
}

struct BadMember {
  const char* name;
  json value;
  const char* message;
};

TEST(Sample, WrongMembersAreNamed) {
  const std::vector<BadMember> bad = {
      {"schema", 2, "schema"},
      {"block", -1, "block"},
      {"block", 1.5, "block"},
      {"order", "0", "order"},
      {"arm", nullptr, "arm"},
      {"status", "fine", "status"},
      {"status", "failed", "failed"},  // without a failure
      {"metrics", json::array(), "metrics"},
      {"metrics", {{"boot.total_s", nullptr}}, "boot.total_s"},
      {"promises", {{{"check", "x"}, {"held", 1}, {"detail", ""}}}, "held"},
      {"duration_s", "long", "duration_s"},
      {"started", 3, "started"}};
  for (const BadMember& member : bad) {
    json object = ToJson(OkSample(0, 0, "coarse", {}));
    object[member.name] = member.value;
    try {
      SampleFromJson(object);
      ADD_FAILURE() << member.name << " = " << member.value << " was taken";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(member.message));
    }
  }
  EXPECT_THROW(SampleFromJson(json::array()), std::runtime_error);
}

TEST(Text, Sha256IsTheStandardsOwn) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Text, ConsolesAreCleaned) {
  EXPECT_EQ(CleanText("\x1b[1;31mred\x1b[0m\r\nnext\x07\x01"), "red\nnext");
  EXPECT_EQ(CleanText("\x1b]0;title\x07"
                      "a\x1b]0;x\x1b\\b\x1b"
                      "7c"),
            "abc");
  EXPECT_EQ(CleanText("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
            "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(CleanText("a\xff\xc3(\xc0\xaf"), "a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(CleanText("\xed\xa0\x80").find('\xed'), std::string::npos);  // a surrogate
  EXPECT_EQ(CleanText("x\xc2\x9by"), "xy");                              // a C1 control
  EXPECT_EQ(CleanText("\x1b["), "");
  EXPECT_EQ(CleanText("\x1b"), "");
}

TEST(Text, WhateverTheBytesJsonTakesTheResult) {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>((i * 7919 + i / 3) & 0xff);
  EXPECT_NO_THROW(json(CleanText(bytes)).dump());
  for (size_t most = 1; most < 12; ++most) {
    EXPECT_NO_THROW(
        json(CleanTail("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 3, most)).dump());
  }
}

TEST(Text, TailsAreTheLastLines) {
  EXPECT_EQ(CleanTail("a\nb\nc\n\n", 2), "b\nc");
  EXPECT_EQ(CleanTail("a\nb", 5), "a\nb");
  EXPECT_EQ(CleanTail("\na", 2), "a");
  EXPECT_EQ(CleanTail("", 2), "");
  EXPECT_EQ(CleanTail(std::string(10000, 'x'), 2, 100), std::string(100, 'x'));
}

TEST(Text, NearestKnowsAMisspellingFromAnotherWord) {
  const std::vector<std::string> keys = {"blocks", "seed", "arm", "description"};
  EXPECT_EQ(Nearest("blokcs", keys), "blocks");
  EXPECT_EQ(Nearest("descripton", keys), "description");
  EXPECT_EQ(Nearest("zzzzzzzz", keys), "");
  EXPECT_EQ(Nearest("x", {}), "");
}

TEST(Text, Globs) {
  EXPECT_TRUE(GlobMatch("fio.path_*read*", "fio.path_randread_4k_qd1_mbps"));
  EXPECT_FALSE(GlobMatch("fio.path_*read*", "fio.app_read_1m_mbps"));
  EXPECT_FALSE(GlobMatch("fio.path_*read", "fio.path_randread_4k"));
  EXPECT_TRUE(GlobMatch("*", ""));
  EXPECT_TRUE(GlobMatch("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(GlobMatch("a", "ab"));
}

TEST(Text, TimesAndDurations) {
  EXPECT_EQ(UtcText(std::chrono::system_clock::from_time_t(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(DurationText(75), "1:15");
  EXPECT_EQ(DurationText(3700), "1:01:40");
  EXPECT_EQ(DurationText(-5), "0:00");
}

class Files : public testing::Test {
 protected:
  TemporaryFolder folder_;
};

// Read by the format's own rules: hexadecimal fields of a header, names and contents padded to four bytes.
TEST(Cpio, HoldsFilesAndTheDirectoriesAboveThem) {
  CpioArchive archive;
  archive.Add("engine/lib/one.so", "12345", 0755);
  archive.Add("engine/argv", "", 0644);
  const std::string bytes = archive.Finish();
  std::vector<std::string> seen;
  size_t at = 0;
  const auto field = [&](int number) {
    return std::stoul(bytes.substr(at + 6 + 8 * static_cast<size_t>(number), 8), nullptr, 16);
  };
  while (at < bytes.size()) {
    ASSERT_EQ(bytes.substr(at, 6), "070701") << at;
    const size_t mode = field(1), size = field(6), name_size = field(11);
    const std::string name = bytes.substr(at + 110, name_size - 1);
    const size_t content = (at + 110 + name_size + 3) / 4 * 4;
    seen.push_back(fmt::format("{} {:o} {}", name, mode, bytes.substr(content, size)));
    at = (content + size + 3) / 4 * 4;
  }
  EXPECT_EQ(at, bytes.size());
  EXPECT_THAT(seen, testing::ElementsAre("engine 40755 ", "engine/lib 40755 ",
                                         "engine/lib/one.so 100755 12345", "engine/argv 100644 ",
                                         "TRAILER!!! 0 "));
}

TEST(Text, PlainNames) {
  EXPECT_TRUE(IsPlainName("a-1", "-"));
  EXPECT_TRUE(IsPlainName(std::string(64, 'a'), ""));
  for (const std::string& wrong : {std::string(), std::string("A"), std::string("a_b"),
                                   std::string("a/b"), std::string(65, 'a')})
    EXPECT_FALSE(IsPlainName(wrong, "-")) << wrong;
  EXPECT_EQ(PlainNameWords("-"), "a-z, 0-9 and -, at most 64");
  EXPECT_EQ(PlainNameWords("._-"), "a-z, 0-9, ., _ and -, at most 64");
  EXPECT_EQ(PlainNameWords(""), "a-z, 0-9, at most 64");
}

TEST_F(Files, WritesWholeAndReadsBack) {
  const fs::path path = folder_.path() / "file";
  ASSERT_TRUE(WriteFileAtomic(path, "one"));
  ASSERT_TRUE(WriteFileAtomic(path, std::string("two\0three", 9)));
  EXPECT_EQ(*ReadFile(path), std::string("two\0three", 9));
  EXPECT_EQ(*Sha256OfFile(path), Sha256Hex(std::string_view("two\0three", 9)));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);  // no leftovers
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
}

TEST_F(Files, OutputGoesThroughSymlinksAndIntoWhatIsNoRegularFile) {
  const fs::path real = folder_.path() / "real", link = folder_.path() / "link";
  ASSERT_TRUE(WriteOutput(real, "old"));
  fs::create_symlink("real", link);
  ASSERT_TRUE(WriteOutput(link, "new"));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(*ReadFile(real), "new");
  const fs::path fifo = folder_.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int reader = open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(WriteOutput(fifo, "through"));
  char got[16] = {};
  EXPECT_EQ(read(reader, got, sizeof got), 7);
  EXPECT_STREQ(got, "through");
  close(reader);
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST_F(Files, WaitsForNothing) {
  const fs::path fifo = folder_.path() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  for (const fs::path& path : {fifo, fs::path("/dev/zero")}) {
    const auto read = ReadFile(path);
    ASSERT_FALSE(read) << path;
    EXPECT_THAT(read.error().message, HasSubstr("not a regular file"));
  }
}

TEST_F(Files, ErrorsNameThePathAndARemedy) {
  const auto missing = ReadFile(folder_.path() / "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ExitCode::kEnvironment);
  EXPECT_THAT(missing.error().message,
              HasSubstr("missing: No such file or directory; check the path"));
  EXPECT_FALSE(ReadFile(folder_.path()));
  EXPECT_FALSE(WriteFileAtomic(folder_.path() / "no" / "where", "x"));
  EXPECT_THAT(FileError("write", "f", ENOSPC).message, HasSubstr("free some space"));
}

TEST_F(Files, FreeBytesOfAPathYetToBe) {
  const auto free = FreeBytes(folder_.path() / "a" / "b");
  ASSERT_TRUE(free);
  EXPECT_GT(*free, 0u);
}

}  // namespace
}  // namespace blendbench
