// SPDX-License-Identifier: MIT
// The operations of a union, without FUSE.
#include <gmock/gmock.h>
#include <stdio.h>
#include <sys/xattr.h>

#include <tuple>

#include "unionfs/tests/unit/union_fixture.h"

namespace blendfs::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MergeTest : public UnionFixture {
 protected:
  void SetUp() override {
    UnionFixture::SetUp();
    if (IsSkipped()) return;
    Write("lower0/shared/top", "lower0");
    Write("lower1/shared/top", "hidden");
    Write("lower1/shared/bottom", "lower1");
    Write("lower1/plain", "plain");
    Write("lower1/tree/a/b/deep", "deep");
    Write("upper/shared/mine", "upper");
    ASSERT_EQ(::mknod(Path("upper/gone").c_str(), S_IFCHR, 0), 0);
    Write("lower0/gone", "deleted");
    Open();
  }
  void SetMark(const std::string& path, const std::string& key, const std::string& value) {
    ASSERT_EQ(::setxattr(Path(path).c_str(), key.c_str(), value.data(), value.size(), 0), 0)
        << path << " " << key;
  }
  merge::Caller root_{};
};

TEST_F(MergeTest, LooksThroughTheLayersFromTheTop) {
  EXPECT_EQ(Read("shared/top"), "lower0");
  EXPECT_EQ(Read("shared/bottom"), "lower1");
  EXPECT_EQ(Read("shared/mine"), "upper");
  EXPECT_EQ(ErrorOf("gone"), ENOENT);
  EXPECT_EQ(ErrorOf("nothing"), ENOENT);
  EXPECT_THAT(Names("shared"), ElementsAre("bottom", "mine", "top"));
  EXPECT_THAT(Names(""), ElementsAre("plain", "shared", "tree"));
}

TEST_F(MergeTest, CopyUpKeepsEverythingButTheLayer) {
  struct stat before {};
  ASSERT_EQ(::stat(Path("lower1/plain").c_str(), &before), 0);
  merge::Node& node = At("plain");
  const uint64_t ino = node.ino;
  auto reader = fs().OpenAt(node, O_RDONLY, false);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(Append(node, "+more"));
  EXPECT_EQ(Read("plain"), "plain+more");
  EXPECT_EQ(ReadAll(**reader), "plain+more") << "a descriptor from before the copy-up";
  auto attr = fs().GetAttr(node, nullptr);
  ASSERT_TRUE(attr);
  EXPECT_EQ(attr->ino, ino);
  EXPECT_EQ(attr->mode, before.st_mode);
  EXPECT_TRUE(OnDisk("upper/plain"));
  Open();
  EXPECT_EQ(Read("plain"), "plain+more");
  EXPECT_EQ(At("plain").ino, ino) << "identity survives a remount";
}

TEST_F(MergeTest, MetadataChangesCopyParentsAndKeepTimes) {
  merge::Node& node = At("tree/a/b/deep");
  auto before = fs().GetAttr(node, nullptr);
  auto after = ChangeMode(node, 0600);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->mode, mode_t{S_IFREG | 0600});
  EXPECT_EQ(after->mtime.tv_sec, before->mtime.tv_sec);
  EXPECT_EQ(after->mtime.tv_nsec, before->mtime.tv_nsec);
  EXPECT_TRUE(OnDisk("upper/tree/a/b/deep"));
  EXPECT_EQ(Read("tree/a/b/deep"), "deep");
}

TEST_F(MergeTest, RemovingLeavesWhiteoutsThatHold) {
  ASSERT_TRUE(fs().Unlink(fs().root(), "plain"));
  EXPECT_EQ(ErrorOf("plain"), ENOENT);
  EXPECT_EQ(fs().RemoveDir(fs().root(), "tree").error().code, ENOTEMPTY);
  ASSERT_TRUE(fs().Unlink(At("tree/a/b"), "deep"));
  ASSERT_TRUE(fs().RemoveDir(At("tree/a"), "b"));
  ASSERT_TRUE(fs().RemoveDir(At("tree"), "a"));
  ASSERT_TRUE(fs().RemoveDir(fs().root(), "tree"));
  Open();
  EXPECT_EQ(ErrorOf("plain"), ENOENT);
  EXPECT_THAT(Names(""), ElementsAre("shared"));
  auto made = fs().MakeDir(fs().root(), "tree", 0755, root_);
  ASSERT_TRUE(made);
  EXPECT_THAT(Names("tree"), IsEmpty()) << "a new directory over a whiteout is opaque";
  Open();
  EXPECT_THAT(Names("tree"), IsEmpty());
}

TEST_F(MergeTest, RenamedLowerDirectoryTakesItsTreeAlong) {
  const uint64_t ino = At("tree").ino;
  ASSERT_TRUE(fs().Rename(fs().root(), "tree", At("shared"), "moved", 0));
  EXPECT_EQ(ErrorOf("tree"), ENOENT);
  EXPECT_EQ(Read("shared/moved/a/b/deep"), "deep");
  ASSERT_TRUE(fs().Rename(At("shared/moved"), "a", fs().root(), "again", 0));
  EXPECT_EQ(Read("again/b/deep"), "deep");
  Open();
  EXPECT_EQ(Read("again/b/deep"), "deep");
  EXPECT_EQ(At("shared/moved").ino, ino);
  EXPECT_EQ(ErrorOf("shared/moved/a"), ENOENT);
  EXPECT_EQ(ErrorOf("tree"), ENOENT);
}

TEST_F(MergeTest, RenameOverAndExchange) {
  ASSERT_TRUE(fs().Rename(fs().root(), "plain", At("shared"), "top", 0));
  EXPECT_EQ(Read("shared/top"), "plain");
  EXPECT_EQ(fs().Rename(At("shared"), "top", At("shared"), "mine", RENAME_NOREPLACE).error().code,
            EEXIST);
  ASSERT_TRUE(fs().Rename(At("shared"), "top", At("shared"), "mine", RENAME_EXCHANGE));
  EXPECT_EQ(Read("shared/top"), "upper");
  EXPECT_EQ(Read("shared/mine"), "plain");
  Open();
  EXPECT_EQ(Read("shared/mine"), "plain");
  EXPECT_EQ(ErrorOf("plain"), ENOENT);
}

TEST_F(MergeTest, LowerHardLinksStayOneFile) {
  ASSERT_EQ(::link(Path("lower1/plain").c_str(), Path("lower1/twin").c_str()), 0);
  Open();
  ASSERT_EQ(At("plain").ino, At("twin").ino);
  ASSERT_TRUE(Append(At("plain"), "+"));
  EXPECT_EQ(Read("twin"), "plain+");
  Open();
  EXPECT_EQ(Read("twin"), "plain+");
  EXPECT_EQ(At("plain").ino, At("twin").ino);
  EXPECT_EQ(Walk("twin")->attr.nlink, 2U);
  ASSERT_TRUE(fs().Unlink(fs().root(), "plain"));
  EXPECT_EQ(Read("twin"), "plain+");
  EXPECT_EQ(Walk("twin")->attr.nlink, 1U);
  Open();
  EXPECT_EQ(Read("twin"), "plain+");
  ASSERT_TRUE(fs().Rename(fs().root(), "twin", fs().root(), "left", 0));
  Open();
  EXPECT_EQ(Read("left"), "plain+");
  EXPECT_EQ(ErrorOf("twin"), ENOENT);
  ASSERT_TRUE(fs().Unlink(fs().root(), "left"));
  EXPECT_TRUE(std::filesystem::is_empty(Path("work/index")));
}

TEST_F(MergeTest, NamesOfACopyWithoutOriginLeadToTheNodeItHas) {
  // user.* attributes are for files and directories only: the copy of a FIFO cannot say what it is a copy of.
  ASSERT_EQ(::mkfifo(Path("lower1/fifo").c_str(), 0600), 0);
  userxattr_ = true;
  Open();
  merge::Node& node = At("fifo");
  const uint64_t ino = node.ino;
  auto linked = fs().Link(node, fs().root(), "twin");
  ASSERT_TRUE(linked);
  Hold(*linked);
  EXPECT_EQ(&At("fifo"), &node);
  EXPECT_EQ(&At("twin"), &node);
  ASSERT_TRUE(fs().Unlink(fs().root(), "fifo"));
  EXPECT_EQ(&At("twin"), &node);
  EXPECT_EQ(Walk("twin")->attr.nlink, 1U);
  auto made = fs().MakeNode(fs().root(), "fifo", S_IFIFO | 0600, 0, root_);
  ASSERT_TRUE(made);
  Hold(*made);
  EXPECT_NE(&At("fifo"), &node);
  ForgetAll();
  EXPECT_NE(At("twin").ino, ino) << "the limit: once forgotten, it has its own number";
  ASSERT_TRUE(fs().Unlink(fs().root(), "twin"));
  ForgetAll();
  EXPECT_EQ(ErrorOf("twin"), ENOENT);
}

TEST_F(MergeTest, LargeFilesKeepTheirDataBelowUntilItChanges) {
  const std::string text(300000, 'x');
  Write("lower1/big", text);
  ASSERT_TRUE(ChangeMode(At("big"), 0640));
  struct stat st {};
  ASSERT_EQ(::stat(Path("upper/big").c_str(), &st), 0);
  EXPECT_LT(st.st_blocks * 512, 64 * 1024) << "no data was copied, attributes alone";
  ASSERT_TRUE(fs().Rename(fs().root(), "big", At("shared"), "bigger", 0));
  Open();
  EXPECT_EQ(Read("shared/bigger").substr(0, 10), text.substr(0, 10));
  EXPECT_EQ(Walk("shared/bigger")->attr.size, text.size());
  ASSERT_TRUE(Append(At("shared/bigger"), "end"));
  EXPECT_EQ(Walk("shared/bigger")->attr.size, text.size() + 3);
  Open();
  EXPECT_EQ(Walk("shared/bigger")->attr.size, text.size() + 3);
}

TEST_F(MergeTest, MarksThatAnybodyCanSetLeadNowhere) {
  const std::string secret(100000, 's');
  Write("lower1/closed/secret", secret);
  MakeDir("lower0/mine");
  Write("upper/copy", std::string(secret.size(), '.'));
  for (const auto& [path, mark, value] : {std::tuple("lower0/mine", "redirect", "/closed"),
                                          {"upper/copy", "redirect", "/closed/secret"},
                                          {"upper/copy", "metacopy", ""},
                                          {"upper", "impure", "y"}}) {
    SetMark(path, std::string("user.overlay.") + mark, value);
  }
  userxattr_ = true;
  Open();
  EXPECT_EQ(ErrorOf("mine"), EPERM);
  EXPECT_EQ(ErrorOf("copy"), EPERM);
  EXPECT_THAT(Names(""), Contains("mine"))
      << "it is there, and can be removed by who looks at the layer";
  redirects_ = layer::Redirects::kMake;
  Open();
  EXPECT_EQ(Read("mine/secret").substr(0, 10), secret.substr(0, 10));
  EXPECT_EQ(ErrorOf("copy"), EPERM) << "whatever is said about redirects";
}

TEST_F(MergeTest, WhatWouldNeedARedirectStaysWhereNoneIsMade) {
  ASSERT_TRUE(fs().Rename(fs().root(), "tree", fs().root(), "moved", 0));
  Write("lower1/other/f", "f");
  redirects_ = layer::Redirects::kFollow;
  Open();
  EXPECT_EQ(Read("moved/a/b/deep"), "deep");
  const auto moved = fs().Rename(fs().root(), "other", fs().root(), "elsewhere", 0);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, EXDEV);
  EXPECT_FALSE(OnDisk("upper/other"));
  auto made = fs().MakeDir(fs().root(), "new", 0755, root_);
  ASSERT_TRUE(made);
  Hold(*made);
  EXPECT_TRUE(fs().Rename(fs().root(), "new", fs().root(), "newer", 0));
  EXPECT_FALSE(fs().Rename(fs().root(), "newer", fs().root(), "other", RENAME_EXCHANGE));
  redirects_ = layer::Redirects::kRefuse;
  Open();
  EXPECT_EQ(ErrorOf("moved"), EPERM);
  EXPECT_EQ(Read("other/f"), "f");
}

TEST_F(MergeTest, AMovedMetadataOnlyCopyGetsItsDataWhereNoRedirectIsMade) {
  const std::string text(300000, 'x');
  Write("lower1/big", text);
  redirects_ = layer::Redirects::kFollow;
  Open();
  ASSERT_TRUE(ChangeMode(At("big"), 0640));
  ASSERT_TRUE(fs().Rename(fs().root(), "big", fs().root(), "bigger", 0));
  Open();
  EXPECT_EQ(Read("bigger").substr(0, 10), text.substr(0, 10));
  std::filesystem::remove(Path("lower1/big"));
  Open();
  EXPECT_EQ(Read("bigger").substr(0, 10), text.substr(0, 10));
}

TEST_F(MergeTest, WholeFilesAreCopiedWhereMetadataOnlyCopiesAreOff) {
  Write("lower1/big", std::string(300000, 'x'));
  Open(sys::Real(), {.metadata_only_copies = false});
  ASSERT_TRUE(ChangeMode(At("big"), 0640));
  EXPECT_EQ(std::filesystem::file_size(Path("upper/big")), 300000U);
  EXPECT_LT(::getxattr(Path("upper/big").c_str(), "trusted.overlay.metacopy", nullptr, 0), 0);
}

TEST_F(MergeTest, UnlinkedFilesLiveOnInTheirDescriptors) {
  merge::Node& lower = At("plain");
  auto file = fs().OpenAt(lower, O_RDONLY, false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(fs().Unlink(fs().root(), "plain"));
  EXPECT_EQ(ReadAll(**file), "plain");
  ASSERT_TRUE(Append(lower, "!")) << "copied up without a name";
  EXPECT_EQ(ReadAll(**file), "plain!");
  EXPECT_EQ(fs().GetAttr(lower, nullptr)->nlink, 0U);
  EXPECT_EQ(ErrorOf("plain"), ENOENT);
  EXPECT_FALSE(std::filesystem::is_regular_file(Path("upper/plain")));
}

TEST_F(MergeTest, RemovedDirectoriesStillTakeAttributes) {
  MakeDir("lower1/bare");
  merge::Node& node = At("bare");
  ASSERT_TRUE(fs().RemoveDir(fs().root(), "bare"));
  auto attr = ChangeMode(node, 0700);
  ASSERT_TRUE(attr) << attr.error().doing;
  EXPECT_EQ(attr->mode, mode_t{S_IFDIR | 0700});
  EXPECT_EQ(attr->nlink, 0U);
  EXPECT_EQ(ErrorOf("bare"), ENOENT);
  EXPECT_TRUE(std::filesystem::is_empty(Path("work/work")));
  EXPECT_EQ(fs().MakeDir(node, "child", 0755, root_).error().code, ENOENT);
}

TEST_F(MergeTest, HidesItsOwnAttributesAndEscapesNestedOnes) {
  ASSERT_TRUE(Append(At("plain"), "1"));
  merge::Node& node = At("plain");
  EXPECT_TRUE(fs().ListXattr(node)->find("trusted.overlay") == std::string::npos);
  ASSERT_TRUE(fs().SetXattr(node, "trusted.overlay.opaque", "y", 0, false));
  EXPECT_EQ(*fs().GetXattr(node, "trusted.overlay.opaque"), "y");
  EXPECT_EQ(std::string(fs().ListXattr(node)->c_str()), "trusted.overlay.opaque");
  EXPECT_EQ(fs().GetXattr(node, "trusted.overlay.origin").error().code, ENODATA);
}

}  // namespace
}  // namespace blendfs::testing
