// SPDX-License-Identifier: MIT
// Extended attributes of every type of object, by name and by every kind of descriptor.
#include <gmock/gmock.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "unionfs/tests/unit/sys_test_util.h"

namespace blendfs::sys {
namespace {

using ::testing::Contains;
using testing::IsRoot;
using ::testing::Not;

constexpr char kUserKey[] = "user.blendfs-test";
constexpr char kTrustedKey[] = "trusted.blendfs-test";

class SysXattr : public testing::SysTest {
 protected:
  // The whole life of one attribute, by name.
  void ExpectLifeByName(const char* name, const char* key) {
    const BorrowedFd dir = tree_.fd();
    EXPECT_EQ(os_.GetXattr(dir, name, key).error().code, ENODATA) << name;
    ASSERT_TRUE(os_.SetXattr(dir, name, key, std::string_view("a\0b", 3), 0).has_value()) << name;
    EXPECT_EQ(*os_.GetXattr(dir, name, key), std::string("a\0b", 3)) << name;
    EXPECT_EQ(os_.SetXattr(dir, name, key, "x", XATTR_CREATE).error().code, EEXIST) << name;
    ASSERT_TRUE(os_.SetXattr(dir, name, key, "", XATTR_REPLACE).has_value()) << name;
    EXPECT_EQ(*os_.GetXattr(dir, name, key), "") << name;
    EXPECT_THAT(*os_.ListXattr(dir, name), Contains(key)) << name;
    ASSERT_TRUE(os_.RemoveXattr(dir, name, key).has_value()) << name;
    EXPECT_EQ(os_.RemoveXattr(dir, name, key).error().code, ENODATA) << name;
    EXPECT_THAT(*os_.ListXattr(dir, name), Not(Contains(key))) << name;
  }
  void ExpectLifeByFd(BorrowedFd fd, const char* key, const std::string& what) {
    EXPECT_EQ(os_.GetXattrFd(fd, key).error().code, ENODATA) << what;
    ASSERT_TRUE(os_.SetXattrFd(fd, key, "value", XATTR_CREATE).has_value()) << what;
    EXPECT_EQ(*os_.GetXattrFd(fd, key), "value") << what;
    EXPECT_EQ(os_.SetXattrFd(fd, key, "x", XATTR_CREATE).error().code, EEXIST) << what;
    EXPECT_THAT(*os_.ListXattrFd(fd), Contains(key)) << what;
    ASSERT_TRUE(os_.RemoveXattrFd(fd, key).has_value()) << what;
    EXPECT_EQ(os_.RemoveXattrFd(fd, key).error().code, ENODATA) << what;
  }
};

TEST_P(SysXattr, OfFilesAndDirectories) {
  tree_.File("f");
  tree_.Dir("d");
  for (const char* name : {"f", "d"}) {
    ExpectLifeByName(name, kUserKey);
    ExpectLifeByFd(tree_.Open(name, O_RDONLY).borrow(), kUserKey, name);
    ExpectLifeByFd(tree_.Open(name, O_PATH).borrow(), kUserKey, std::string(name) + " O_PATH");
  }
}

TEST_P(SysXattr, OfSymlinksAndDevicesThemselves) {
  if (!IsRoot()) GTEST_SKIP() << "trusted attributes and devices take root";
  tree_.File("target");
  tree_.Symlink("target", "link");
  ASSERT_EQ(::mknod((tree_ / "dev").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  ASSERT_EQ(::mkfifo((tree_ / "fifo").c_str(), 0600), 0);
  for (const char* name : {"link", "dev", "fifo"}) {
    ExpectLifeByName(name, kTrustedKey);
    ExpectLifeByFd(tree_.Open(name, O_PATH | O_NOFOLLOW).borrow(), kTrustedKey, name);
  }
  ASSERT_TRUE(os_.SetXattr(tree_.fd(), "link", kTrustedKey, "x", 0).has_value());
  EXPECT_EQ(tree_.GetXattr("target", kTrustedKey), "(absent)") << "the link is not followed";
  EXPECT_EQ(tree_.GetXattr("link", kTrustedKey), "x");
}

TEST_P(SysXattr, ValuesOfEverySize) {
  tree_.File("f");
  const UniqueFd opath = tree_.Open("f", O_PATH);
  for (const size_t size : {0, 1, 511, 512, 513, 3000}) {
    const std::string value(size, 'v');
    ASSERT_TRUE(os_.SetXattr(tree_.fd(), "f", kUserKey, value, 0).has_value()) << size;
    EXPECT_EQ(*os_.GetXattr(tree_.fd(), "f", kUserKey), value);
    EXPECT_EQ(*os_.GetXattrFd(opath.borrow(), kUserKey), value);
  }
  EXPECT_FALSE(os_.SetXattr(tree_.fd(), "f", kUserKey, std::string(65537, 'v'), 0).has_value());
}

TEST_P(SysXattr, LargestValueOnTmpfs) {
  if (!IsRoot()) GTEST_SKIP() << "mounting a tmpfs takes root";
  tree_.Dir("t");
  ASSERT_EQ(::mount("tmpfs", (tree_ / "t").c_str(), "tmpfs", 0, nullptr), 0);
  tree_.File("t/f");
  UniqueFd dir = tree_.Open("t", O_PATH);
  const std::string value(65536, 'v');
  ASSERT_TRUE(os_.SetXattr(dir.borrow(), "f", kTrustedKey, value, 0).has_value());
  EXPECT_EQ(*os_.GetXattr(dir.borrow(), "f", kTrustedKey), value);
  dir.reset();
  ASSERT_EQ(::chdir("/"), 0) << "the fallback works from inside the directory";
  ASSERT_EQ(::umount((tree_ / "t").c_str()), 0);
}

TEST_P(SysXattr, ManyNames) {
  tree_.File("f");
  for (int i = 0; i < 60; ++i) {
    tree_.Xattr("f", "user.a-long-name-of-an-attribute-" + std::to_string(i), "");
  }
  const Result<std::vector<std::string>> keys = os_.ListXattr(tree_.fd(), "f");
  ASSERT_TRUE(keys.has_value());
  EXPECT_GE(keys->size(), 60u);
  EXPECT_EQ(*os_.ListXattrFd(tree_.Open("f", O_PATH).borrow()), *keys);
}

TEST_P(SysXattr, Errors) {
  EXPECT_EQ(os_.GetXattr(tree_.fd(), "none", kUserKey).error().code, ENOENT);
  EXPECT_EQ(os_.GetXattrFd(BorrowedFd(-1), kUserKey).error().code, EBADF);
  tree_.File("f");
  EXPECT_EQ(os_.GetXattr(tree_.fd(), "f", "nonsense.key").error().code, EOPNOTSUPP);
}

TEST_P(SysXattr, WithoutAMountedProc) {
  if (!IsRoot()) GTEST_SKIP() << "hiding /proc takes root";
  tree_.File("f");
  tree_.Symlink("f", "link");
  ASSERT_EQ(::mount("tmpfs", "/proc", "tmpfs", 0, nullptr), 0);
  ExpectLifeByFd(tree_.Open("f", O_PATH).borrow(), kUserKey, "file");
  ExpectLifeByFd(tree_.Open("link", O_PATH | O_NOFOLLOW).borrow(), kTrustedKey, "link");
  EXPECT_TRUE(os_.Reopen(tree_.Open("f", O_PATH).borrow(), O_RDWR).has_value());
  EXPECT_TRUE(os_.ChmodFd(tree_.Open("f", O_PATH).borrow(), 0640).has_value());
  ASSERT_EQ(::umount("/proc"), 0);
}

// A daemon forks into the background after it has opened its layers.
TEST_P(SysXattr, AfterAFork) {
  tree_.File("f", "x");
  const UniqueFd opath = tree_.Open("f", O_PATH);
  ASSERT_TRUE(os_.SetXattrFd(opath.borrow(), kUserKey, "before", 0).has_value());
  const pid_t child = ::fork();
  if (child == 0) {
    // A descriptor the parent does not have: it must be looked up in this process.
    UniqueFd mine(::open((tree_ / "g").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    UniqueFd path(::open((tree_ / "g").c_str(), O_PATH | O_CLOEXEC));
    const bool good = os_.SetXattrFd(path.borrow(), kUserKey, "child", 0).has_value() &&
                      os_.Reopen(path.borrow(), O_RDONLY).has_value();
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(tree_.GetXattr("g", kUserKey), "child");
  EXPECT_EQ(tree_.GetXattr("f", kUserKey), "before");
  EXPECT_TRUE(os_.Reopen(opath.borrow(), O_RDONLY).has_value());
}

TEST_P(SysXattr, ManyThreadsInManyDirectories) {
  for (int i = 0; i < 4; ++i) {
    tree_.Dir(std::to_string(i));
    tree_.File(std::to_string(i) + "/f");
    tree_.Xattr(std::to_string(i) + "/f", kUserKey, std::to_string(i));
  }
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const UniqueFd dir = tree_.Open(std::to_string(i), O_PATH);
      for (int round = 0; round < 200; ++round) {
        const Result<std::string> value = os_.GetXattr(dir.borrow(), "f", kUserKey);
        if (!value || *value != std::to_string(i)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

BLENDFS_ON_BOTH_KERNELS(SysXattr);

}  // namespace
}  // namespace blendfs::sys
