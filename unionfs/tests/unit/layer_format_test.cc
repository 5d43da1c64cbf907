// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include "unionfs/layer/format.h"
#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/temp_tree.h"

namespace blendfs::layer {
namespace {

using testing::FaultyCalls;
using testing::IsRoot;
using testing::TempTree;

TEST(FormatKeys, OwnAndForeignNamesAreToldApart) {
  const Format format(false);
  EXPECT_EQ(format.Key(kOpaque), "trusted.overlay.opaque");
  EXPECT_EQ(format.ToUser("trusted.overlay.opaque"), std::nullopt);
  EXPECT_EQ(format.ToUser("trusted.blendfs.anything"), std::nullopt);
  EXPECT_EQ(format.ToUser("trusted.overlay."), std::nullopt);
  EXPECT_EQ(format.ToUser("user.overlay.opaque"), "user.overlay.opaque");
  EXPECT_EQ(format.ToUser("trusted.overlayx"), "trusted.overlayx");
  EXPECT_EQ(format.ToUser("security.capability"), "security.capability");
  EXPECT_EQ(format.ToDisk("trusted.overlay.opaque"), "trusted.overlay.overlay.opaque");
  EXPECT_EQ(format.ToDisk("trusted.blendfs.x"), "trusted.blendfs.blendfs.x");
  EXPECT_EQ(format.ToDisk("user.comment"), "user.comment");
}

TEST(FormatKeys, UserXattrUsesTheUserPrefix) {
  const Format format(true);
  EXPECT_EQ(format.Key(kRedirect), "user.overlay.redirect");
  EXPECT_EQ(format.ToUser("user.overlay.opaque"), std::nullopt);
  EXPECT_EQ(format.ToUser("trusted.overlay.opaque"), "trusted.overlay.opaque");
  EXPECT_EQ(format.ToDisk("user.overlay.a"), "user.overlay.overlay.a");
}

TEST(FormatKeys, EveryUserNameComesBackThroughAnyNumberOfUnions) {
  for (const bool userxattr : {false, true}) {
    const Format format(userxattr);
    for (const std::string key :
         {"trusted.overlay.opaque", "trusted.overlay.overlay.opaque", "user.overlay.overlay.",
          "trusted.overlay.", "user.overlay.x", "trusted.blendfs.blendfs.q", "user.blendfs.q",
          "user.plain", "trusted.overlay", "system.posix_acl_access"}) {
      std::string disk = key;
      for (int level = 1; level <= 4; ++level) {
        disk = format.ToDisk(disk);
        std::string user = disk;
        for (int up = 0; up < level; ++up) {
          const std::optional<std::string> next = format.ToUser(user);
          ASSERT_TRUE(next.has_value()) << user;
          user = *next;
        }
        EXPECT_EQ(user, key) << "at level " << level;
      }
    }
  }
}

TEST(Redirect, AcceptsNamesAndAbsolutePaths) {
  for (const std::string good : {"a", "..a", "...", "a b", "\xff\xfe", "/a", "/a/b/c", "/a/..b"}) {
    EXPECT_EQ(ParseRedirect(good), good);
  }
  EXPECT_TRUE(ParseRedirect(std::string(255, 'n')).has_value());
  EXPECT_TRUE(ParseRedirect("/" + std::string(255, 'n') + "/x").has_value());
}

TEST(Redirect, RejectsEverythingElse) {
  for (const std::string bad : {"", ".", "..", "/", "//", "a/b", "a/", "/a/", "/a//b", "/..",
                                "/../a", "/a/..", "/a/../b", "/./a", "/a/.", "../a", "./a"}) {
    EXPECT_EQ(ParseRedirect(bad), std::nullopt) << "'" << bad << "'";
  }
  EXPECT_EQ(ParseRedirect(std::string("a\0b", 3)), std::nullopt);
  EXPECT_EQ(ParseRedirect(std::string("/a\0", 3)), std::nullopt);
  EXPECT_EQ(ParseRedirect(std::string(256, 'n')), std::nullopt);
  EXPECT_EQ(ParseRedirect("/a/" + std::string(256, 'n')), std::nullopt);
  std::string deep;
  while (deep.size() <= 4096) deep += "/d";
  EXPECT_EQ(ParseRedirect(deep), std::nullopt);
}

TEST(Whiteout, IsCharacterDeviceZeroOnly) {
  sys::FileStat stat;
  stat.mode = S_IFCHR;
  EXPECT_TRUE(IsWhiteoutDevice(stat));
  stat.rdev = makedev(0, 1);
  EXPECT_FALSE(IsWhiteoutDevice(stat));
  stat.rdev = 0;
  stat.mode = S_IFBLK;
  EXPECT_FALSE(IsWhiteoutDevice(stat));
}

// user.* attributes, so that the tests need no privilege.
class MarksTest : public ::testing::Test {
 protected:
  Result<Marks> Read(const char* name) { return ReadMarks(os_, format_, tree_.fd(), name); }

  TempTree tree_;
  FaultyCalls os_;
  Format format_{true};
};

TEST_F(MarksTest, NoneCostOneCall) {
  tree_.File("f");
  tree_.Xattr("f", "user.comment", "hello");
  const Result<Marks> marks = Read("f");
  ASSERT_TRUE(marks.has_value());
  EXPECT_FALSE(marks->opaque || marks->xattr_whiteouts || marks->metacopy || marks->whiteout ||
               marks->impure || marks->redirect || marks->origin || marks->bad_redirect);
  EXPECT_EQ(os_.count("ListXattr"), 1);
  EXPECT_EQ(os_.count("GetXattr"), 0);
}

TEST_F(MarksTest, ReadsEachOfThemByNameAndByDescriptor) {
  tree_.Dir("d");
  tree_.Xattr("d", "user.overlay.opaque", "y");
  tree_.Xattr("d", "user.overlay.impure", "y");
  tree_.Xattr("d", "user.overlay.redirect", "/a/b");
  tree_.Xattr("d", "user.overlay.origin", "raw bytes");
  tree_.Xattr("d", "user.overlay.metacopy", "");
  tree_.Xattr("d", "user.overlay.whiteout", "y");
  tree_.Xattr("d", "user.overlay.protattr", "i");  // a mark of no concern here
  const UniqueFd opath = tree_.Open("d", O_PATH);
  for (const Result<Marks>& marks : {Read("d"), ReadMarksFd(os_, format_, opath.borrow())}) {
    ASSERT_TRUE(marks.has_value());
    EXPECT_TRUE(marks->opaque && marks->impure && marks->metacopy && marks->whiteout);
    EXPECT_FALSE(marks->xattr_whiteouts);
    EXPECT_EQ(marks->redirect, "/a/b");
    EXPECT_EQ(marks->origin, "raw bytes");
  }
}

TEST_F(MarksTest, OpaqueMeansItsValue) {
  tree_.Dir("x");
  tree_.Xattr("x", "user.overlay.opaque", "x");
  tree_.Dir("n");
  tree_.Xattr("n", "user.overlay.opaque", "n");
  tree_.Dir("yy");
  tree_.Xattr("yy", "user.overlay.opaque", "yy");
  EXPECT_TRUE(Read("x")->xattr_whiteouts);
  EXPECT_FALSE(Read("x")->opaque);
  EXPECT_FALSE(Read("n")->opaque);
  EXPECT_FALSE(Read("yy")->opaque);
}

TEST_F(MarksTest, EscapedMarksBelongToANestedOverlay) {
  tree_.Dir("d");
  tree_.Xattr("d", "user.overlay.overlay.opaque", "y");
  EXPECT_FALSE(Read("d")->opaque);
}

TEST_F(MarksTest, HostileRedirectIsReportedNotFollowed) {
  tree_.Dir("d");
  tree_.Xattr("d", "user.overlay.redirect", "/../../etc");
  const Result<Marks> marks = Read("d");
  ASSERT_TRUE(marks.has_value());
  EXPECT_EQ(marks->redirect, std::nullopt);
  EXPECT_TRUE(marks->bad_redirect);
}

TEST_F(MarksTest, VanishedMarkIsNoMarkButErrorsAreErrors) {
  tree_.Dir("d");
  tree_.Xattr("d", "user.overlay.opaque", "y");
  os_.FailNth("GetXattr", 1, ENODATA);
  EXPECT_FALSE(Read("d")->opaque);
  os_.FailNth("GetXattr", 2, EIO);
  EXPECT_EQ(Read("d").error().code, EIO);
  os_.FailAlways("ListXattr", EOPNOTSUPP);
  EXPECT_TRUE(Read("d").has_value());
  os_.FailAlways("ListXattr", EACCES);
  EXPECT_EQ(Read("d").error().code, EACCES);
  EXPECT_EQ(ReadMarks(sys::Real(), format_, tree_.fd(), "missing").error().code, ENOENT);
}

TEST(MarksTrusted, WorkOnSymlinksAndDevices) {
  if (!IsRoot()) GTEST_SKIP() << "trusted attributes take root";
  const TempTree tree;
  const Format format(false);
  tree.Symlink("nowhere", "link");
  tree.Xattr("link", "trusted.overlay.origin", "o");
  ASSERT_EQ(::mknod((tree / "dev").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  tree.Xattr("dev", "trusted.overlay.redirect", "elsewhere");
  EXPECT_EQ(ReadMarks(sys::Real(), format, tree.fd(), "link")->origin, "o");
  EXPECT_EQ(ReadMarks(sys::Real(), format, tree.fd(), "dev")->redirect, "elsewhere");
  const UniqueFd link = tree.Open("link", O_PATH | O_NOFOLLOW);
  EXPECT_EQ(ReadMarksFd(sys::Real(), format, link.borrow())->origin, "o");
}

}  // namespace
}  // namespace blendfs::layer
