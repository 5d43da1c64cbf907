// SPDX-License-Identifier: MIT
// Looking and opening: what is found, and what must never be reached.
#include <dirent.h>
#include <gmock/gmock.h>
#include <sys/sysmacros.h>

#include <map>

#include "unionfs/tests/unit/sys_test_util.h"

namespace blendfs::sys {
namespace {

using testing::EnterPrivateMounts;
using testing::IsRoot;

class SysOpen : public testing::SysTest {
 protected:
  int OpenError(const std::string& path, int flags = O_RDONLY) {
    const Result<UniqueFd> fd = os_.OpenBeneath(tree_.fd(), path.c_str(), flags);
    return fd ? 0 : fd.error().code;
  }
};

TEST_P(SysOpen, StatSaysWhatTheKernelSays) {
  tree_.File("f", "hello");
  ASSERT_EQ(::chmod((tree_ / "f").c_str(), 04751), 0);
  const struct stat expected = tree_.Stat("f");
  const UniqueFd opath = tree_.Open("f", O_PATH);
  for (const Result<FileStat>& stat : {os_.Stat(tree_.fd(), "f"), os_.StatFd(opath.borrow())}) {
    ASSERT_TRUE(stat.has_value());
    EXPECT_EQ(stat->ino, expected.st_ino);
    EXPECT_EQ(stat->dev, expected.st_dev);
    EXPECT_EQ(stat->mode, expected.st_mode);
    EXPECT_EQ(stat->nlink, 1u);
    EXPECT_EQ(stat->size, 5u);
    EXPECT_EQ(stat->uid, expected.st_uid);
    EXPECT_EQ(stat->gid, expected.st_gid);
    EXPECT_EQ(stat->blocks, static_cast<uint64_t>(expected.st_blocks));
    EXPECT_EQ(stat->mtime.tv_nsec, expected.st_mtim.tv_nsec);
    EXPECT_EQ(stat->ctime.tv_sec, expected.st_ctim.tv_sec);
    EXPECT_TRUE(stat->IsRegular());
  }
  EXPECT_EQ(os_.Stat(tree_.fd(), "none").error().code, ENOENT);
}

TEST_P(SysOpen, StatAndReadLinkDoNotFollow) {
  tree_.Symlink("/etc/passwd", "link");
  EXPECT_TRUE(os_.Stat(tree_.fd(), "link")->IsSymlink());
  EXPECT_EQ(*os_.ReadLink(tree_.fd(), "link"), "/etc/passwd");
  const UniqueFd opath = tree_.Open("link", O_PATH | O_NOFOLLOW);
  EXPECT_EQ(*os_.ReadLinkFd(opath.borrow()), "/etc/passwd");
  EXPECT_TRUE(os_.StatFd(opath.borrow())->IsSymlink());
  tree_.Symlink(std::string(4000, 'x'), "long");
  EXPECT_EQ(os_.ReadLink(tree_.fd(), "long")->size(), 4000u);
  tree_.File("f");
  EXPECT_EQ(os_.ReadLink(tree_.fd(), "f").error().code, EINVAL);
}

TEST_P(SysOpen, ListGivesEveryEntryOnceWithItsType) {
  std::map<std::string, uint8_t> expected;
  for (int i = 0; i < 1500; ++i) {
    const std::string name = "a name that is long enough to need several buffers, number " +
                             std::to_string(i) + std::string(100, '_');
    tree_.File(name);
    expected[name] = DT_REG;
  }
  tree_.Dir("d");
  expected["d"] = DT_DIR;
  tree_.Symlink("x", "l");
  expected["l"] = DT_LNK;
  ASSERT_EQ(::mkfifo((tree_ / "p").c_str(), 0600), 0);
  expected["p"] = DT_FIFO;
  const UniqueFd opath = tree_.Open(".", O_PATH | O_DIRECTORY);
  for (const BorrowedFd dir : {tree_.fd(), tree_.fd(), opath.borrow()}) {
    const Result<std::vector<DirEntry>> entries = os_.List(dir);
    ASSERT_TRUE(entries.has_value());
    std::map<std::string, uint8_t> found;
    for (const DirEntry& entry : *entries) {
      EXPECT_TRUE(found.emplace(entry.name, entry.type).second) << entry.name;
      EXPECT_EQ(entry.ino, tree_.Stat(entry.name).st_ino);
    }
    EXPECT_EQ(found, expected);
  }
}

TEST_P(SysOpen, ListOfOneDescriptorFromManyThreads) {
  for (int i = 0; i < 300; ++i) tree_.File("f" + std::to_string(i));
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const Result<std::vector<DirEntry>> entries = os_.List(tree_.fd());
        if (!entries || entries->size() != 300) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(SysOpen, BeneathOpensWhatIsBeneath) {
  tree_.Dir("a/b");
  tree_.File("a/b/f", "x");
  for (const char* path : {"a", "a/b", "a/b/f", "a//b/f", "./a/b", "a/./b/f", "."}) {
    EXPECT_EQ(OpenError(path), 0) << path;
    EXPECT_EQ(OpenError(path, O_PATH), 0) << path;
  }
  EXPECT_EQ(OpenError("a/none"), ENOENT);
  EXPECT_EQ(OpenError("a/b/f/g"), ENOTDIR);
  EXPECT_EQ(OpenError("a/b/f", O_RDONLY | O_DIRECTORY), ENOTDIR);
  EXPECT_EQ(OpenError("a/b/f/"), ENOTDIR);
  EXPECT_EQ(OpenError(""), ENOENT);
  const Result<UniqueFd> fd = os_.OpenBeneath(tree_.fd(), "a/b/f", O_RDWR);
  ASSERT_TRUE(fd.has_value());
  EXPECT_EQ(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(::write(fd->get(), "yz", 2), 2);
  EXPECT_EQ(tree_.Content("a/b/f"), "yz");
}

TEST_P(SysOpen, BeneathNeverLeaves) {
  tree_.Dir("in/sub");
  tree_.File("secret", "s");
  const UniqueFd in = tree_.Open("in", O_PATH | O_DIRECTORY);
  for (const std::string& path :
       {std::string(".."), std::string("../secret"), std::string("sub/../../secret"),
        std::string("/etc/passwd"), tree_ / "secret"}) {
    const Result<UniqueFd> fd = os_.OpenBeneath(in.borrow(), path.c_str(), O_RDONLY);
    ASSERT_FALSE(fd.has_value()) << path;
    EXPECT_EQ(fd.error().code, EXDEV) << path;
  }
}

TEST_P(SysOpen, BeneathFollowsNoSymlinkAtAll) {
  tree_.Dir("d");
  tree_.File("d/f");
  tree_.Symlink("d", "dir");
  tree_.Symlink("d/f", "file");
  tree_.Symlink("/etc", "abs");
  for (const char* path : {"dir/f", "file", "abs/passwd", "abs"}) {
    EXPECT_EQ(OpenError(path), ELOOP) << path;
  }
  const Result<UniqueFd> link = os_.OpenBeneath(tree_.fd(), "file", O_PATH);
  ASSERT_TRUE(link.has_value()) << "O_PATH opens the link itself";
  EXPECT_TRUE(os_.StatFd(link->borrow())->IsSymlink());
}

TEST_P(SysOpen, BeneathEntersNoMount) {
  if (!EnterPrivateMounts()) GTEST_SKIP() << "mounting a tmpfs takes root";
  tree_.Dir("m");
  ASSERT_EQ(::mount("tmpfs", (tree_ / "m").c_str(), "tmpfs", 0, nullptr), 0);
  tree_.File("m/f", "x");
  EXPECT_EQ(OpenError("m/f"), EXDEV);
  EXPECT_EQ(OpenError("m", O_PATH), EXDEV);
  ASSERT_EQ(::umount((tree_ / "m").c_str()), 0);
}

TEST_P(SysOpen, ReopenGivesAnIndependentDescription) {
  tree_.File("f", "0123456789");
  const UniqueFd opath = tree_.Open("f", O_PATH);
  const Result<UniqueFd> first = os_.Reopen(opath.borrow(), O_RDWR);
  const Result<UniqueFd> second = os_.Reopen(first->borrow(), O_RDONLY);
  ASSERT_TRUE(first.has_value() && second.has_value());
  char c = 0;
  ASSERT_EQ(::read(first->get(), &c, 1), 1);
  ASSERT_EQ(::read(second->get(), &c, 1), 1);
  EXPECT_EQ(c, '0') << "an offset of its own";
  EXPECT_EQ(::write(second->get(), "x", 1), -1) << "flags of its own";
  ASSERT_EQ(::unlink((tree_ / "f").c_str()), 0);
  EXPECT_TRUE(os_.Reopen(opath.borrow(), O_RDONLY).has_value()) << "it needs no name any more";
  tree_.Dir("d");
  const UniqueFd dir = tree_.Open("d", O_PATH);
  EXPECT_TRUE(os_.Reopen(dir.borrow(), O_RDONLY | O_DIRECTORY).has_value());
  EXPECT_TRUE(os_.Reopen(dir.borrow(), O_RDONLY).has_value());
}

TEST_P(SysOpen, TemporaryFileCanBeGivenAName) {
  const Result<UniqueFd> fd =
      os_.OpenTmpFile(tree_.fd(), O_RDWR, 0640, {::geteuid(), ::getegid(), 0});
  ASSERT_TRUE(fd.has_value());
  ASSERT_TRUE(os_.LinkFd(fd->borrow(), tree_.fd(), "named").has_value());
  EXPECT_EQ(tree_.Stat("named").st_mode & 07777, 0640u);
  EXPECT_EQ(os_.LinkFd(fd->borrow(), tree_.fd(), "named").error().code, EEXIST);
}

TEST_P(SysOpen, HandlesFindTheObjectAgain) {
  if (!IsRoot()) GTEST_SKIP() << "opening by handle takes root";
  tree_.File("f", "x");
  const Result<Handle> handle = os_.NameToHandle(tree_.fd(), "f");
  ASSERT_TRUE(handle.has_value());
  ASSERT_EQ(::rename((tree_ / "f").c_str(), (tree_ / "g").c_str()), 0);
  const Result<UniqueFd> fd = os_.OpenHandle(tree_.fd(), *handle, O_PATH);
  ASSERT_TRUE(fd.has_value());
  EXPECT_EQ(os_.StatFd(fd->borrow())->ino, tree_.Stat("g").st_ino);
  EXPECT_EQ(os_.NameToHandle(tree_.fd(), "g")->bytes, handle->bytes);
  EXPECT_TRUE(os_.NameToHandle(tree_.fd(), "").has_value()) << "of the directory itself";
  Handle broken = *handle;
  broken.bytes.assign(200, 0);
  EXPECT_EQ(os_.OpenHandle(tree_.fd(), broken, O_PATH).error().code, EINVAL);
  broken.bytes.clear();
  EXPECT_EQ(os_.OpenHandle(tree_.fd(), broken, O_PATH).error().code, EINVAL);
}

TEST_P(SysOpen, StatFsTellsTheFileSystem) {
  const UniqueFd opath = tree_.Open(".", O_PATH);
  const Result<struct statvfs> fs = os_.StatFs(opath.borrow());
  ASSERT_TRUE(fs.has_value());
  EXPECT_GE(fs->f_namemax, 143u);
  EXPECT_GT(fs->f_bsize, 0u);
}

BLENDFS_ON_BOTH_KERNELS(SysOpen);

}  // namespace
}  // namespace blendfs::sys
