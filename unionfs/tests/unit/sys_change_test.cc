// SPDX-License-Identifier: MIT
// Making and changing objects, on behalf of others too.
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "unionfs/tests/unit/sys_test_util.h"

namespace blendfs::sys {
namespace {

using testing::IsRoot;

class SysChange : public testing::SysTest {
 protected:
  Creator Self(mode_t umask = 0) { return {::geteuid(), ::getegid(), umask}; }
  mode_t Mode(const std::string& name) { return tree_.Stat(name).st_mode & 07777; }
};

TEST_P(SysChange, CreatorsUmaskAppliesToThisCallOnly) {
  ASSERT_TRUE(os_.Create(tree_.fd(), "a", O_WRONLY, 0666, Self(027)).has_value());
  ASSERT_TRUE(os_.MakeDir(tree_.fd(), "b", 0777, Self(0)).has_value());
  ASSERT_TRUE(os_.MakeNode(tree_.fd(), "c", S_IFIFO | 0666, 0, Self(077)).has_value());
  EXPECT_EQ(Mode("a"), 0640u);
  EXPECT_EQ(Mode("b"), 0777u);
  EXPECT_EQ(Mode("c"), 0600u);
  EXPECT_EQ(os_.Create(tree_.fd(), "a", O_WRONLY, 0666, Self()).error().code, EEXIST);
}

TEST_P(SysChange, ObjectsBelongToTheirCreator) {
  if (!IsRoot()) GTEST_SKIP() << "acting for other users takes root";
  ASSERT_EQ(::chmod(tree_.path().c_str(), 0700), 0) << "closed to the creators themselves";
  ASSERT_TRUE(os_.Create(tree_.fd(), "f", O_WRONLY, 0600, {1001, 1002, 0}).has_value());
  ASSERT_TRUE(os_.MakeDir(tree_.fd(), "d", 0700, {1003, 1004, 0}).has_value());
  ASSERT_TRUE(os_.MakeSymlink("x", tree_.fd(), "l", {1005, 1006, 0}).has_value());
  ASSERT_TRUE(os_.MakeNode(tree_.fd(), "n", S_IFCHR | 0600, makedev(1, 3), {1007, 1008, 0}));
  ASSERT_TRUE(os_.MakeDir(tree_.fd(), "r", 0700, {0, 0, 0}).has_value());
  const auto owner = [&](const char* name) {
    const struct stat stat = tree_.Stat(name);
    return std::pair(stat.st_uid, stat.st_gid);
  };
  EXPECT_EQ(owner("f"), std::pair(1001u, 1002u));
  EXPECT_EQ(owner("d"), std::pair(1003u, 1004u));
  EXPECT_EQ(owner("l"), std::pair(1005u, 1006u));
  EXPECT_EQ(owner("n"), std::pair(1007u, 1008u));
  EXPECT_EQ(owner("r"), std::pair(0u, 0u));
  EXPECT_EQ(*os_.ReadLink(tree_.fd(), "l"), "x");
}

TEST_P(SysChange, TheLayerAppliesSetgidAndDefaultAcls) {
  if (!IsRoot()) GTEST_SKIP() << "acting for other users takes root";
  tree_.Dir("setgid");
  ASSERT_EQ(::chown((tree_ / "setgid").c_str(), 0, 2000), 0);
  ASSERT_EQ(::chmod((tree_ / "setgid").c_str(), 02777), 0);
  ASSERT_TRUE(os_.MakeDir(tree_.fd(), "setgid/d", 0755, {1001, 1002, 022}).has_value());
  EXPECT_EQ(tree_.Stat("setgid/d").st_gid, 2000u);
  EXPECT_EQ(Mode("setgid/d"), 02755u);
  tree_.Dir("acl");
  const std::string acl(
      "\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x04\0\x07\0\xff\xff\xff\xff"
      "\x20\0\x05\0\xff\xff\xff\xff",
      28);
  tree_.Xattr("acl", "system.posix_acl_default", acl);
  ASSERT_TRUE(os_.MakeDir(tree_.fd(), "acl/d", 0777, Self(077)).has_value());
  EXPECT_EQ(Mode("acl/d"), 0775u) << "a default ACL stands in for the umask";
  EXPECT_EQ(tree_.GetXattr("acl/d", "system.posix_acl_default"), acl);
}

TEST_P(SysChange, ThreadsActForDifferentUsersAtOnce) {
  if (!IsRoot()) GTEST_SKIP() << "acting for other users takes root";
  std::vector<std::thread> threads;
  for (unsigned uid = 1000; uid < 1004; ++uid) {
    threads.emplace_back([&, uid] {
      for (int i = 0; i < 50; ++i) {
        const std::string name = "f" + std::to_string(uid) + "." + std::to_string(i);
        EXPECT_TRUE(os_.Create(tree_.fd(), name.c_str(), O_WRONLY, 0666,
                               {uid, uid, static_cast<mode_t>(uid % 8)}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (unsigned uid = 1000; uid < 1004; ++uid) {
    for (int i = 0; i < 50; ++i) {
      const std::string name = "f" + std::to_string(uid) + "." + std::to_string(i);
      EXPECT_EQ(tree_.Stat(name).st_uid, uid);
      EXPECT_EQ(Mode(name), 0666u & ~(uid % 8));
    }
  }
}

TEST_P(SysChange, UmaskOfOtherThreadsIsLeftAlone) {
  testing::OnNewThread([] {
    InitThread();
    ::umask(022);
  });
  testing::OnNewThread([&] {
    ASSERT_TRUE(os_.Create(tree_.fd(), "strict", O_WRONLY, 0666, Self(077)).has_value());
  });
  std::thread([&] {
    InitThread();
    const mode_t mine = ::umask(0);
    testing::OnNewThread(
        [&] { ASSERT_TRUE(os_.MakeDir(tree_.fd(), "d", 0777, Self(0777)).has_value()); });
    EXPECT_EQ(::umask(mine), 0u);
  }).join();
  EXPECT_EQ(Mode("strict"), 0600u);
}

TEST_P(SysChange, ChmodByNameAndByAnyDescriptor) {
  tree_.File("f");
  tree_.Dir("d");
  for (const char* name : {"f", "d"}) {
    ASSERT_TRUE(os_.Chmod(tree_.fd(), name, 0711).has_value());
    EXPECT_EQ(Mode(name), 0711u);
    const UniqueFd opath = tree_.Open(name, O_PATH);
    ASSERT_TRUE(os_.ChmodFd(opath.borrow(), 0612).has_value());
    EXPECT_EQ(Mode(name), 0612u);
    const UniqueFd real = tree_.Open(name, O_RDONLY);
    ASSERT_TRUE(os_.ChmodFd(real.borrow(), 0700).has_value());
    EXPECT_EQ(Mode(name), 0700u);
  }
  EXPECT_EQ(os_.Chmod(tree_.fd(), "none", 0600).error().code, ENOENT);
  EXPECT_EQ(os_.ChmodFd(BorrowedFd(-1), 0600).error().code, EBADF);
}

TEST_P(SysChange, ChmodNeverFollowsASymlink) {
  tree_.File("target");
  ASSERT_EQ(::chmod((tree_ / "target").c_str(), 0600), 0);
  tree_.Symlink("target", "link");
  EXPECT_EQ(os_.Chmod(tree_.fd(), "link", 0777).error().code, EOPNOTSUPP);
  const UniqueFd link = tree_.Open("link", O_PATH | O_NOFOLLOW);
  EXPECT_EQ(os_.ChmodFd(link.borrow(), 0777).error().code, EOPNOTSUPP);
  EXPECT_EQ(Mode("target"), 0600u);
}

TEST_P(SysChange, ChownByNameAndByAnyDescriptor) {
  if (!IsRoot()) GTEST_SKIP() << "giving files away takes root";
  tree_.File("target");
  tree_.Symlink("target", "link");
  ASSERT_TRUE(os_.Chown(tree_.fd(), "link", 5, static_cast<gid_t>(-1)).has_value());
  const UniqueFd link = tree_.Open("link", O_PATH | O_NOFOLLOW);
  ASSERT_TRUE(os_.ChownFd(link.borrow(), static_cast<uid_t>(-1), 6).has_value());
  EXPECT_EQ(tree_.Stat("link").st_uid, 5u);
  EXPECT_EQ(tree_.Stat("link").st_gid, 6u);
  EXPECT_EQ(tree_.Stat("target").st_uid, 0u);
}

TEST_P(SysChange, TimesByNameAndByAnyDescriptor) {
  tree_.File("f");
  tree_.Symlink("f", "link");
  const struct timespec times[2] = {{1000000000, 123}, {-5, 456}};
  ASSERT_TRUE(os_.SetTimes(tree_.fd(), "link", times).has_value());
  EXPECT_EQ(tree_.Stat("link").st_mtim.tv_sec, -5);
  EXPECT_NE(tree_.Stat("f").st_mtim.tv_sec, -5);
  const struct timespec only_mtime[2] = {{0, UTIME_OMIT}, {77, 88}};
  for (const char* name : {"f", "link"}) {
    const UniqueFd opath = tree_.Open(name, O_PATH | O_NOFOLLOW);
    const struct stat before = tree_.Stat(name);
    ASSERT_TRUE(os_.SetTimesFd(opath.borrow(), only_mtime).has_value());
    EXPECT_EQ(tree_.Stat(name).st_mtim.tv_sec, 77);
    EXPECT_EQ(tree_.Stat(name).st_mtim.tv_nsec, 88);
    EXPECT_EQ(tree_.Stat(name).st_atim.tv_sec, before.st_atim.tv_sec);
  }
}

TEST_P(SysChange, NamesAreLinkedRenamedAndRemoved) {
  tree_.File("a", "a");
  tree_.Dir("d");
  const UniqueFd d = tree_.Open("d", O_PATH);
  ASSERT_TRUE(os_.Link(tree_.fd(), "a", d.borrow(), "b").has_value());
  EXPECT_EQ(tree_.Stat("d/b").st_nlink, 2u);
  tree_.Symlink("nowhere", "s");
  ASSERT_TRUE(os_.Link(tree_.fd(), "s", tree_.fd(), "s2").has_value()) << "the link itself";
  tree_.File("c", "c");
  EXPECT_EQ(os_.Rename(tree_.fd(), "c", d.borrow(), "b", RENAME_NOREPLACE).error().code, EEXIST);
  ASSERT_TRUE(os_.Rename(tree_.fd(), "c", d.borrow(), "b", RENAME_EXCHANGE).has_value());
  EXPECT_EQ(tree_.Content("c"), "a");
  ASSERT_TRUE(os_.Rename(tree_.fd(), "c", tree_.fd(), "e", 0).has_value());
  EXPECT_EQ(os_.RemoveDir(tree_.fd(), "d").error().code, ENOTEMPTY);
  ASSERT_TRUE(os_.Unlink(d.borrow(), "b").has_value());
  ASSERT_TRUE(os_.RemoveDir(tree_.fd(), "d").has_value());
  EXPECT_EQ(os_.RemoveDir(tree_.fd(), "e").error().code, ENOTDIR);
  EXPECT_EQ(os_.Unlink(tree_.fd(), "none").error().code, ENOENT);
}

TEST_P(SysChange, LinkFdTakesOPath) {
  tree_.File("a", "a");
  const UniqueFd opath = tree_.Open("a", O_PATH);
  ASSERT_TRUE(os_.LinkFd(opath.borrow(), tree_.fd(), "b").has_value());
  EXPECT_EQ(tree_.Stat("b").st_ino, tree_.Stat("a").st_ino);
}

TEST_P(SysChange, DataGoesAndComes) {
  tree_.File("f");
  const UniqueFd fd = tree_.Open("f", O_RDWR);
  constexpr uint64_t kFar = uint64_t{5} << 30;
  EXPECT_EQ(*os_.Write(fd.borrow(), "hello", 5, kFar), 5u);
  char buffer[10] = {};
  EXPECT_EQ(*os_.Read(fd.borrow(), buffer, sizeof(buffer), kFar + 1), 4u);
  EXPECT_STREQ(buffer, "ello");
  EXPECT_EQ(*os_.Seek(fd.borrow(), 0, SEEK_END), kFar + 5);
  EXPECT_EQ(os_.Seek(fd.borrow(), static_cast<int64_t>(kFar + 5), SEEK_DATA).error().code, ENXIO);
  ASSERT_TRUE(os_.Truncate(fd.borrow(), 3).has_value());
  EXPECT_EQ(tree_.Stat("f").st_size, 3);
  ASSERT_TRUE(os_.Allocate(fd.borrow(), 0, 0, 8192).has_value());
  EXPECT_EQ(tree_.Stat("f").st_size, 8192);
  EXPECT_TRUE(os_.Sync(fd.borrow(), true).has_value());
  EXPECT_TRUE(os_.Sync(fd.borrow(), false).has_value());
  EXPECT_TRUE(os_.SyncFs(fd.borrow()).has_value());
  EXPECT_EQ(os_.Sync(BorrowedFd(-1), false).error().code, EBADF);
}

TEST_P(SysChange, CopyRangeLeavesOffsetsAlone) {
  tree_.File("from", "0123456789");
  tree_.File("to");
  const UniqueFd from = tree_.Open("from", O_RDONLY);
  const UniqueFd to = tree_.Open("to", O_RDWR);
  const Result<size_t> copied = os_.CopyRange(from.borrow(), 2, to.borrow(), 1, 100);
  if (!copied && copied.error().code == EOPNOTSUPP) GTEST_SKIP() << "no copy_file_range here";
  EXPECT_EQ(*copied, 8u);
  EXPECT_EQ(tree_.Content("to"), std::string("\0", 1) + "23456789");
  EXPECT_EQ(::lseek(to.get(), 0, SEEK_CUR), 0);
}

TEST_P(SysChange, FileFlags) {
  tree_.File("f");
  const UniqueFd fd = tree_.Open("f", O_RDWR);
  const Result<unsigned> flags = os_.GetFlags(fd.borrow());
  if (!flags) GTEST_SKIP() << "the file system of the temporary directory has no file flags";
  ASSERT_TRUE(os_.SetFlags(fd.borrow(), *flags | FS_NODUMP_FL).has_value());
  EXPECT_EQ(*os_.GetFlags(fd.borrow()), *flags | FS_NODUMP_FL);
}

TEST_P(SysChange, ExtendedFileFlags) {
  tree_.File("f");
  const UniqueFd fd = tree_.Open("f", O_RDWR);
  Result<ExtendedFlags> flags = os_.GetExtendedFlags(fd.borrow());
  if (!flags) GTEST_SKIP() << "the file system of the temporary directory has no extended flags";
  (*flags)[0] |= std::byte{FS_XFLAG_NODUMP};
  ASSERT_TRUE(os_.SetExtendedFlags(fd.borrow(), *flags).has_value());
  EXPECT_EQ(*os_.GetExtendedFlags(fd.borrow()), *flags);
  EXPECT_NE(*os_.GetFlags(fd.borrow()) & FS_NODUMP_FL, 0u);
}

BLENDFS_ON_BOTH_KERNELS(SysChange);

}  // namespace
}  // namespace blendfs::sys
