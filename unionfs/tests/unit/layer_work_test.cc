// SPDX-License-Identifier: MIT
// The work directory: what an interrupted operation or a hostile image left in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "unionfs/layer/stack.h"
#include "unionfs/layer/work.h"
#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/temp_tree.h"

namespace blendfs::layer {
namespace {

using ::testing::AllOf;
using testing::FaultyCalls;
using ::testing::HasSubstr;
using testing::IsRoot;
using testing::KernelOverlay;
using testing::TempTree;

class WorkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* dir : {"lower", "upper", "work", "merged"}) tree_.Dir(dir);
  }
  StackConfig Config() {
    StackConfig config;
    config.lowers = {tree_ / "lower"};
    config.upper = tree_ / "upper";
    config.work = tree_ / "work";
    config.userxattr = true;
    return config;
  }
  Result<Stack> Open() { return Stack::Open(os_, Config(), &problem_); }
  bool WorkIsEmpty() { return std::filesystem::is_empty(tree_ / "work/work"); }

  TempTree tree_;
  FaultyCalls os_;
  std::string problem_;
};

TEST_F(WorkTest, LeftoversOfEveryTypeGo) {
  tree_.Dir("work/work/dir/sub/sub");
  tree_.File("work/work/dir/sub/file", "x");
  tree_.File("work/work/#1f", "x");
  tree_.File("precious", "keep");
  tree_.Symlink("../../precious", "work/work/link");
  tree_.Symlink("/", "work/work/dir/root");
  ASSERT_EQ(::mkfifo((tree_ / "work/work/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::mknod((tree_ / "work/work/wh").c_str(), S_IFCHR, 0), 0);
  tree_.Dir("work/work/#leftover.1/clash");  // a name the removal itself would choose
  tree_.Dir("work/work/#leftover.2");
  ASSERT_TRUE(Open().has_value()) << problem_;
  EXPECT_TRUE(WorkIsEmpty());
  EXPECT_EQ(tree_.Content("precious"), "keep");
}

TEST_F(WorkTest, DepthCostsNoDescriptors) {
  constexpr int kDepth = 150;
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  UniqueFd at(::open((tree_ / "work").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::mkdirat(at.get(), "work", 0700), 0);
  for (int depth = 0; depth < kDepth; ++depth) {
    UniqueFd next(
        ::openat(at.get(), depth == 0 ? "work" : "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(static_cast<bool>(next)) << depth;
    at = std::move(next);
    ASSERT_EQ(::mkdirat(at.get(), "d", 0700), 0);
    UniqueFd file(::openat(at.get(), "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }
  at.reset();
  struct rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const bool opened = Open().has_value();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(opened) << problem_;
  EXPECT_TRUE(WorkIsEmpty());
}

TEST_F(WorkTest, IndexStaysButItsTemporariesGo) {
  tree_.Dir("work/index");
  tree_.File("work/index/00fb1d0001", "a hard link's data");
  tree_.File("work/index/#5", "temporary");
  tree_.Dir("work/index/#6/deep");
  ASSERT_TRUE(Open().has_value()) << problem_;
  EXPECT_TRUE(WorkIsEmpty());
  EXPECT_TRUE(tree_.Exists("work/index/00fb1d0001"));
  EXPECT_FALSE(tree_.Exists("work/index/#5"));
  EXPECT_FALSE(tree_.Exists("work/index/#6"));
}

TEST_F(WorkTest, HostileObjectsInPlaceOfTheDirectories) {
  tree_.Dir("elsewhere");
  tree_.File("elsewhere/precious", "keep");
  tree_.Symlink("../elsewhere", "work/work");
  tree_.File("work/index", "a file");
  ASSERT_TRUE(Open().has_value()) << problem_;
  EXPECT_EQ(tree_.Content("elsewhere/precious"), "keep");
  EXPECT_TRUE(S_ISDIR(tree_.Stat("work/work").st_mode));
  EXPECT_TRUE(S_ISDIR(tree_.Stat("work/index").st_mode));
}

TEST_F(WorkTest, InheritedModeAndAclAreDropped) {
  ASSERT_EQ(::chmod((tree_ / "work").c_str(), 02777), 0);
  const std::string acl(
      "\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x07\0\0\0\0\0"
      "\x04\0\x07\0\xff\xff\xff\xff\x10\0\x07\0\xff\xff\xff\xff"
      "\x20\0\x07\0\xff\xff\xff\xff",
      44);
  tree_.Xattr("work", "system.posix_acl_default", acl);
  ASSERT_TRUE(Open().has_value()) << problem_;
  for (const char* dir : {"work/work", "work/index"}) {
    EXPECT_EQ(tree_.Stat(dir).st_mode & 07777, 0700u) << dir;
    EXPECT_EQ(tree_.GetXattr(dir, "system.posix_acl_default"), "(absent)") << dir;
    EXPECT_EQ(tree_.GetXattr(dir, "system.posix_acl_access"), "(absent)") << dir;
  }
}

TEST_F(WorkTest, OverlayfssOwnModeZeroDirectoryIsUsed) {
  tree_.Dir("work/work");
  ASSERT_EQ(::chmod((tree_ / "work/work").c_str(), 0), 0);
  EXPECT_TRUE(Open().has_value()) << problem_;
}

TEST_F(WorkTest, AMountAmongTheLeftoversIsLeftAlone) {
  if (!testing::EnterPrivateMounts()) GTEST_SKIP() << "mounting a tmpfs takes root";
  tree_.Dir("work/work/mnt");
  ASSERT_EQ(::mount("tmpfs", (tree_ / "work/work/mnt").c_str(), "tmpfs", 0, nullptr), 0);
  tree_.File("work/work/mnt/precious", "keep");
  EXPECT_FALSE(Open().has_value());
  EXPECT_THAT(problem_, AllOf(HasSubstr("leftover 'mnt'"), HasSubstr("by hand")));
  EXPECT_EQ(tree_.Content("work/work/mnt/precious"), "keep");
  ASSERT_EQ(::umount((tree_ / "work/work/mnt").c_str()), 0);
  EXPECT_TRUE(Open().has_value()) << problem_;
}

TEST_F(WorkTest, RecoveryInterruptedAnywhereIsFinishedByTheNext) {
  for (int crash = 1; crash < 60; ++crash) {
    tree_.Dir("work/work/a/b/c");
    tree_.File("work/work/a/b/f", "x");
    tree_.Dir("work/index/#7/q");
    tree_.File("work/index/00fb", "keep");
    os_.Reset();
    os_.CrashAfterChange(crash);
    const bool opened = Open().has_value();
    const bool crashed = os_.crashed();
    EXPECT_TRUE(opened || crashed);
    os_.Reset();
    ASSERT_TRUE(Open().has_value()) << "after a crash at change " << crash << ": " << problem_;
    EXPECT_TRUE(WorkIsEmpty());
    EXPECT_EQ(tree_.Content("work/index/00fb"), "keep");
    EXPECT_FALSE(tree_.Exists("work/index/#7"));
    if (!crashed) {
      EXPECT_GT(crash, 10);
      return;
    }
  }
  FAIL() << "never got through";
}

TEST_F(WorkTest, VolatileIsMarkedAndRefusedAfterwards) {
  StackConfig config = Config();
  config.volatile_upper = true;
  {
    const Result<Stack> stack = Stack::Open(os_, config, &problem_);
    ASSERT_TRUE(stack.has_value()) << problem_;
    EXPECT_TRUE(stack->volatile_upper());
    EXPECT_TRUE(tree_.Exists("work/work/incompat/volatile/dirty"));
    EXPECT_GE(os_.count("Sync"), 4);
  }
  for (const bool again_volatile : {true, false}) {
    config.volatile_upper = again_volatile;
    EXPECT_FALSE(Stack::Open(os_, config, &problem_).has_value());
    EXPECT_THAT(problem_, AllOf(HasSubstr("volatile"), HasSubstr("incomplete"),
                                HasSubstr("remove '" + tree_ / "work/work/incompat'")));
  }
  std::filesystem::remove_all(tree_ / "work/work/incompat");
  EXPECT_TRUE(Open().has_value()) << problem_;
}

TEST_F(WorkTest, UnknownIncompatibleFeatureIsRefused) {
  tree_.Dir("work/work/incompat/quantum");
  EXPECT_FALSE(Open().has_value());
  EXPECT_THAT(problem_, HasSubstr("feature 'quantum'"));
  EXPECT_TRUE(tree_.Exists("work/work/incompat/quantum"));
}

TEST_F(WorkTest, EmptyIncompatIsALeftover) {
  tree_.Dir("work/work/incompat");
  EXPECT_TRUE(Open().has_value()) << problem_;
}

// Both ways round: what blendfs prepared, kernel overlayfs takes, and the reverse.
TEST_F(WorkTest, KernelOverlayfsTakesIt) {
  if (!IsRoot()) GTEST_SKIP() << "mounting overlayfs takes root";
  StackConfig config = Config();
  config.userxattr = false;
  { ASSERT_TRUE(Stack::Open(os_, config, &problem_).has_value()) << problem_; }
  KernelOverlay overlay(tree_);
  if (!overlay.ok()) GTEST_SKIP() << "this kernel or sandbox has no overlayfs";
  tree_.File("merged/new", "x");
  overlay.Unmount();
  EXPECT_TRUE(Stack::Open(os_, config, &problem_).has_value()) << problem_;
}

TEST_F(WorkTest, KernelOverlayfsRefusesOurVolatileMark) {
  if (!IsRoot()) GTEST_SKIP() << "mounting overlayfs takes root";
  if (!KernelOverlay(tree_).ok()) GTEST_SKIP() << "this kernel or sandbox has no overlayfs";
  StackConfig config = Config();
  config.userxattr = false;
  config.volatile_upper = true;
  { ASSERT_TRUE(Stack::Open(os_, config, &problem_).has_value()) << problem_; }
  EXPECT_FALSE(KernelOverlay(tree_).ok());
}

TEST_F(WorkTest, WeRefuseTheKernelsVolatileMark) {
  if (!IsRoot()) GTEST_SKIP() << "mounting overlayfs takes root";
  if (!KernelOverlay(tree_, ",volatile").ok()) {
    GTEST_SKIP() << "this kernel (before 5.10) or sandbox has no volatile overlayfs";
  }
  EXPECT_FALSE(Open().has_value());
  EXPECT_THAT(problem_, HasSubstr("volatile"));
}

}  // namespace
}  // namespace blendfs::layer
