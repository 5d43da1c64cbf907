// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "unionfs/layer/format.h"
#include "unionfs/sys/filesystem.h"
#include "unionfs/tests/unit/temp_tree.h"

namespace blendfs::layer {
namespace {

using testing::IsRoot;
using testing::KernelOverlay;
using testing::TempTree;

Origin Example() {
  Origin origin;
  origin.handle.type = 1;
  origin.handle.bytes = {1, 2, 3, 4, 5, 6, 7, 8};
  for (uint8_t i = 0; i < 16; ++i) origin.uuid.push_back(static_cast<uint8_t>(0xa0 + i));
  return origin;
}

TEST(Origin, BytesAreThoseOfTheKernel) {
  const std::string raw = EncodeOrigin(Example());
  const std::string expected = std::string("\x00\xfb\x1d\x00\x01", 5) +
                               "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf" +
                               "\x01\x02\x03\x04\x05\x06\x07\x08";
  EXPECT_EQ(raw, expected);
  EXPECT_EQ(IndexName(raw), "00fb1d0001a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0102030405060708");
}

TEST(Origin, RoundTrips) {
  for (size_t words = 1; words <= 32; ++words) {
    Origin origin = Example();
    origin.handle.bytes.assign(words * 4, static_cast<uint8_t>(words));
    origin.handle.type = static_cast<int>(words);
    const std::optional<Origin> back = DecodeOrigin(EncodeOrigin(origin));
    ASSERT_TRUE(back.has_value()) << words;
    EXPECT_EQ(back->handle.type, origin.handle.type);
    EXPECT_EQ(back->handle.bytes, origin.handle.bytes);
    EXPECT_EQ(back->uuid, origin.uuid);
  }
}

TEST(Origin, WhatDoesNotFitIsUnknown) {
  const auto encode = [](int type, size_t bytes, size_t uuid) {
    Origin origin;
    origin.handle.type = type;
    origin.handle.bytes.resize(bytes);
    origin.uuid.resize(uuid);
    return EncodeOrigin(origin);
  };
  EXPECT_NE(encode(1, 128, 16), "");
  EXPECT_NE(encode(1, 8, 0), "") << "an unknown UUID is zeros";
  EXPECT_EQ(encode(1, 132, 16), "");
  EXPECT_EQ(encode(1, 0, 16), "");
  EXPECT_EQ(encode(1, 7, 16), "");
  EXPECT_EQ(encode(255, 8, 16), "");
  EXPECT_EQ(encode(0, 8, 16), "");
  EXPECT_EQ(encode(-1, 8, 16), "");
  EXPECT_EQ(encode(256 + 1, 8, 16), "");
  EXPECT_EQ(encode(1, 8, 15), "");
}

TEST(Origin, EveryDamagedFormIsRejectedOrHarmless) {
  const std::string good = EncodeOrigin(Example());
  const auto with = [&](size_t at, int value) {
    std::string raw = good;
    raw[at] = static_cast<char>(value);
    return DecodeOrigin(raw);
  };
  EXPECT_EQ(DecodeOrigin(""), std::nullopt);
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_EQ(DecodeOrigin(good.substr(0, length)), std::nullopt) << length;
  }
  EXPECT_EQ(with(0, 1), std::nullopt) << "a later version";
  EXPECT_EQ(with(1, 0xfc), std::nullopt) << "not the magic number";
  for (const int length : {0, 20, 21, 22, 24, 30, 255}) {
    EXPECT_EQ(with(2, length), std::nullopt) << "length " << length;
  }
  EXPECT_TRUE(with(2, 25).has_value()) << "a shorter handle, with bytes after it";
  EXPECT_EQ(with(3, 1), std::nullopt) << "the other byte order";
  EXPECT_TRUE(with(3, 2).has_value()) << "the same in every byte order";
  EXPECT_EQ(with(3, 8), std::nullopt) << "an unknown flag";
  EXPECT_EQ(with(4, 0xff), std::nullopt) << "an invalid handle";
  EXPECT_EQ(with(4, 0), std::nullopt) << "the root of the file system";
}

TEST(Origin, RandomBytesNeverYieldAHandleOutsideTheLimits) {
  std::mt19937 random(20140831);
  for (int round = 0; round < 20000; ++round) {
    std::string raw(random() % 300, '\0');
    for (char& c : raw) c = static_cast<char>(random());
    if (raw.size() > 4 && round % 2 == 0) raw.replace(0, 2, "\0\xfb", 2);
    const std::optional<Origin> origin = DecodeOrigin(raw);
    if (!origin) continue;
    EXPECT_LE(origin->handle.bytes.size(), 128u);
    EXPECT_LE(origin->handle.bytes.size() + 21, raw.size());
    EXPECT_EQ(origin->uuid.size(), 16u);
  }
}

class OriginOfTheKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!IsRoot()) GTEST_SKIP() << "mounting overlayfs takes root";
    for (const char* dir : {"lower", "upper", "work", "merged"}) tree_.Dir(dir);
  }
  // What blendfs would write as the origin of this lower object.
  std::string Ours(const std::string& name) {
    const UniqueFd dir = tree_.Open("lower", O_RDONLY | O_DIRECTORY);
    const Result<sys::Handle> handle = sys::Real().NameToHandle(dir.borrow(), name.c_str());
    if (!handle) return "no handle";
    return EncodeOrigin({*handle, sys::FileSystemUuid(dir.borrow())});
  }
  TempTree tree_;
};

TEST_F(OriginOfTheKernel, IsWhatWeWrite) {
  tree_.File("lower/file", "data");
  tree_.Dir("lower/dir");
  tree_.Symlink("target", "lower/link");
  KernelOverlay overlay(tree_);
  if (!overlay.ok()) GTEST_SKIP() << "this kernel or sandbox has no overlayfs";
  tree_.File("merged/file", "changed");
  tree_.File("merged/dir/new", "");
  ASSERT_EQ(::lchown((tree_ / "merged/link").c_str(), 1, 1), 0);
  overlay.Unmount();
  for (const std::string name : {"file", "dir", "link"}) {
    const std::string kernels = tree_.GetXattr("upper/" + name, "trusted.overlay.origin");
    EXPECT_EQ(IndexName(kernels), IndexName(Ours(name))) << name;
    const std::optional<Origin> origin = DecodeOrigin(kernels);
    ASSERT_TRUE(origin.has_value()) << name;
    const UniqueFd lower = tree_.Open("lower", O_RDONLY | O_DIRECTORY);
    const Result<UniqueFd> found =
        sys::Real().OpenHandle(lower.borrow(), origin->handle, O_PATH | O_NOFOLLOW);
    ASSERT_TRUE(found.has_value()) << name;
    EXPECT_EQ(sys::Real().StatFd(found->borrow())->ino, tree_.Stat("lower/" + name).st_ino);
  }
  EXPECT_EQ(sys::FileSystemUuid(tree_.fd()).size(), 16u);
}

TEST_F(OriginOfTheKernel, NamesTheIndexEntryOfAHardLink) {
  tree_.File("lower/a", "data");
  ASSERT_EQ(::link((tree_ / "lower/a").c_str(), (tree_ / "lower/b").c_str()), 0);
  KernelOverlay overlay(tree_, ",index=on");
  if (!overlay.ok()) GTEST_SKIP() << "this kernel, sandbox or file system has no index=on";
  tree_.File("merged/a", "changed");
  overlay.Unmount();
  EXPECT_TRUE(tree_.Exists("work/index/" + IndexName(Ours("a"))));
}

TEST_F(OriginOfTheKernel, EscapedNamesAreTheKernelsToo) {
  tree_.File("lower/f", "data");
  KernelOverlay overlay(tree_);
  if (!overlay.ok()) GTEST_SKIP() << "this kernel or sandbox has no overlayfs";
  if (::lsetxattr((tree_ / "merged/f").c_str(), "trusted.overlay.opaque", "y", 1, 0) != 0) {
    GTEST_SKIP() << "this kernel (before 6.7) does not nest overlay attributes";
  }
  overlay.Unmount();
  const Format format(false);
  EXPECT_EQ(tree_.GetXattr("upper/f", format.ToDisk("trusted.overlay.opaque")), "y");
}

}  // namespace
}  // namespace blendfs::layer
