// SPDX-License-Identifier: MIT
// Opening a stack: what it tells about its layers, and one clear line for each thing that is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <functional>
#include <optional>

#include "unionfs/layer/stack.h"
#include "unionfs/sys/filesystem.h"
#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/temp_tree.h"

namespace blendfs::layer {
namespace {

using ::testing::AllOf;
using testing::FaultyCalls;
using ::testing::HasSubstr;
using testing::IsRoot;
using ::testing::Not;
using testing::TempTree;

class StackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* dir : {"low", "low2", "up", "work"}) tree_.Dir(dir);
    config_.lowers = {tree_ / "low", tree_ / "low2"};
    config_.upper = tree_ / "up";
    config_.work = tree_ / "work";
    config_.userxattr = true;  // so that most tests need no privilege
  }
  Result<Stack> Open() { return Stack::Open(os_, config_, &problem_); }
  // Fails to open and returns the line; checks that it is one line.
  std::string Problem(int code) {
    const Result<Stack> stack = Open();
    EXPECT_FALSE(stack.has_value());
    EXPECT_EQ(stack ? 0 : stack.error().code, code) << problem_;
    EXPECT_FALSE(problem_.empty());
    EXPECT_THAT(problem_, Not(HasSubstr("\n")));
    return problem_;
  }

  TempTree tree_;
  FaultyCalls os_;
  StackConfig config_;
  std::string problem_;
};

TEST_F(StackTest, LowersAreReachedThroughMountsThatCannotBeWrittenThrough) {
  if (!IsRoot()) GTEST_SKIP() << "may not mount";
  const Result<Stack> stack = Open();
  ASSERT_TRUE(stack.has_value()) << problem_;
  for (const Layer& layer : stack->layers()) {
    for (const BorrowedFd dir : {layer.root.borrow(), layer.mount.borrow()}) {
      const Status made = os_.MakeDir(dir, "made", 0700, {});
      EXPECT_EQ(made ? 0 : made.error().code, layer.writable ? 0 : EROFS) << layer.path;
      if (made) {
        EXPECT_TRUE(os_.RemoveDir(dir, "made"));
      }
    }
    EXPECT_EQ(*sys::MountId(layer.given.borrow()) == *sys::MountId(layer.root.borrow()),
              layer.writable);
  }
}

TEST_F(StackTest, UpperFirstThenLowersTopToBottom) {
  const Result<Stack> stack = Open();
  ASSERT_TRUE(stack.has_value()) << problem_;
  EXPECT_TRUE(problem_.empty());
  EXPECT_TRUE(stack->has_upper());
  EXPECT_EQ(stack->first_lower(), 1);
  ASSERT_EQ(stack->layers().size(), 3u);
  EXPECT_EQ(stack->layer(0).path, config_.upper);
  EXPECT_EQ(stack->layer(1).path, config_.lowers[0]);
  EXPECT_EQ(stack->layer(2).path, config_.lowers[1]);
  EXPECT_TRUE(stack->layer(0).writable);
  EXPECT_FALSE(stack->layer(1).writable);
  for (const Layer& layer : stack->layers()) {
    EXPECT_EQ(layer.fs, 0u) << "all on one file system";
    EXPECT_EQ(layer.dev, tree_.Stat("up").st_dev);
    EXPECT_EQ(layer.uuid.size(), 16u);
    EXPECT_EQ(sys::Real().StatFd(layer.root.borrow())->ino,
              sys::Real().StatFd(layer.mount.borrow())->ino);
  }
  EXPECT_EQ(sys::Real().StatFd(stack->work())->ino, tree_.Stat("work/work").st_ino);
  EXPECT_EQ(sys::Real().StatFd(stack->index())->ino, tree_.Stat("work/index").st_ino);
  EXPECT_EQ(stack->format().prefix(), "user.overlay.");
}

TEST_F(StackTest, WithoutUpperNothingIsWritten) {
  config_.upper = config_.work = "";
  const Result<Stack> stack = Open();
  ASSERT_TRUE(stack.has_value()) << problem_;
  EXPECT_FALSE(stack->has_upper());
  EXPECT_EQ(stack->first_lower(), 0);
  EXPECT_EQ(stack->layers().size(), 2u);
  EXPECT_FALSE(stack->work());
  EXPECT_FALSE(stack->volatile_upper());
  EXPECT_TRUE(os_.changes().empty());
}

TEST_F(StackTest, RootHasHandlesAndTrustedMarks) {
  if (!IsRoot()) GTEST_SKIP() << "file handles and trusted attributes take root";
  config_.userxattr = false;
  const Result<Stack> stack = Open();
  ASSERT_TRUE(stack.has_value()) << problem_;
  EXPECT_TRUE(stack->layer(0).handles && stack->layer(1).handles);
  EXPECT_TRUE(stack->has_tmpfile());
  EXPECT_TRUE(stack->has_rename_whiteout());
}

TEST_F(StackTest, LayersOnOtherFileSystemsGetOtherNumbers) {
  if (!testing::EnterPrivateMounts()) GTEST_SKIP() << "mounting a tmpfs takes root";
  ASSERT_EQ(::mount("tmpfs", (tree_ / "low2").c_str(), "tmpfs", 0, nullptr), 0);
  {
    const Result<Stack> stack = Open();
    ASSERT_TRUE(stack.has_value()) << problem_;
    EXPECT_EQ(stack->layer(0).fs, 0u);
    EXPECT_EQ(stack->layer(1).fs, 0u);
    EXPECT_EQ(stack->layer(2).fs, 1u);
  }
  ASSERT_EQ(::umount((tree_ / "low2").c_str()), 0);
}

TEST_F(StackTest, TmpfsIsAnUpper) {
  if (!IsRoot()) GTEST_SKIP() << "mounting a tmpfs takes root";
  tree_.Dir("t");
  ASSERT_EQ(::mount("tmpfs", (tree_ / "t").c_str(), "tmpfs", 0, nullptr), 0);
  tree_.Dir("t/up");
  tree_.Dir("t/work");
  config_.upper = tree_ / "t/up";
  config_.work = tree_ / "t/work";
  config_.userxattr = false;
  EXPECT_TRUE(Open().has_value()) << problem_;
  ASSERT_EQ(::umount((tree_ / "t").c_str()), 0);
}

TEST_F(StackTest, MissingDirectories) {
  config_.lowers[1] = tree_ / "nowhere";
  EXPECT_THAT(Problem(ENOENT), AllOf(HasSubstr("lowerdir '" + tree_ / "nowhere'"),
                                     HasSubstr("does not exist: create it")));
  SetUp();
  config_.upper = tree_ / "nowhere";
  EXPECT_THAT(Problem(ENOENT), HasSubstr("upperdir '"));
  SetUp();
  config_.work = tree_ / "nowhere";
  EXPECT_THAT(Problem(ENOENT), HasSubstr("workdir '"));
}

TEST_F(StackTest, NotADirectory) {
  tree_.File("image");
  config_.lowers[0] = tree_ / "image";
  EXPECT_THAT(Problem(ENOTDIR), AllOf(HasSubstr("not a directory"), HasSubstr("mount an image")));
}

TEST_F(StackTest, IncompleteConfigurations) {
  config_.lowers.clear();
  EXPECT_THAT(Problem(EINVAL), HasSubstr("lowerdir is missing"));
  SetUp();
  config_.work = "";
  EXPECT_THAT(Problem(EINVAL), HasSubstr("workdir is missing"));
  SetUp();
  config_.upper = "";
  EXPECT_THAT(Problem(EINVAL), HasSubstr("workdir is given without upperdir"));
  SetUp();
  config_.lowers[0] = "";
  EXPECT_THAT(Problem(EINVAL), HasSubstr("empty path"));
  SetUp();
  config_.lowers.assign(kMaxLayers, tree_ / "low");
  EXPECT_THAT(Problem(E2BIG), HasSubstr("at most 500"));
}

TEST_F(StackTest, TheSameDirectoryTwice) {
  config_.lowers[1] = config_.lowers[0] + "/.";
  EXPECT_THAT(Problem(EINVAL), HasSubstr("given twice"));
  SetUp();
  config_.lowers[1] = config_.upper;
  EXPECT_THAT(Problem(EINVAL), HasSubstr("are the same directory"));
  SetUp();
  config_.work = config_.upper;
  EXPECT_THAT(Problem(EINVAL), HasSubstr("are the same directory"));
}

TEST_F(StackTest, DirectoriesInsideOneAnother) {
  tree_.Dir("low/deep/inside");
  config_.upper = tree_ / "low/deep/inside";
  EXPECT_THAT(Problem(ELOOP), AllOf(HasSubstr("upperdir"), HasSubstr("lies inside lowerdir")));
  SetUp();
  tree_.Dir("up/in");
  config_.lowers[0] = tree_ / "up/in";
  EXPECT_THAT(Problem(ELOOP), HasSubstr("lies inside upperdir"));
  SetUp();
  config_.work = tree_ / "up/in";
  EXPECT_THAT(Problem(ELOOP), HasSubstr("workdir"));
  SetUp();
  tree_.Dir("work/in");
  config_.upper = tree_ / "work/in";
  EXPECT_THAT(Problem(ELOOP), HasSubstr("lies inside workdir"));
  SetUp();
  config_.lowers = {tree_ / "low/deep", tree_ / "low"};
  EXPECT_TRUE(Open().has_value()) << "two lowers may: neither is written. " << problem_;
}

TEST_F(StackTest, AMountInsideALowerIsNoPartOfIt) {
  if (!IsRoot()) GTEST_SKIP() << "mounting a tmpfs takes root";
  tree_.Dir("low/run");
  ASSERT_EQ(::mount("tmpfs", (tree_ / "low/run").c_str(), "tmpfs", 0, nullptr), 0);
  tree_.Dir("low/run/up");
  tree_.Dir("low/run/work");
  config_.upper = tree_ / "low/run/up";
  config_.work = tree_ / "low/run/work";
  config_.userxattr = false;
  EXPECT_TRUE(Open().has_value()) << problem_;
  ASSERT_EQ(::umount((tree_ / "low/run").c_str()), 0);
}

TEST_F(StackTest, UpperAndWorkOnDifferentMounts) {
  if (!testing::EnterPrivateMounts()) GTEST_SKIP() << "mounting a tmpfs takes root";
  ASSERT_EQ(::mount("tmpfs", (tree_ / "work").c_str(), "tmpfs", 0, nullptr), 0);
  EXPECT_THAT(Problem(EXDEV), HasSubstr("different mounts"));
  ASSERT_EQ(::umount((tree_ / "work").c_str()), 0);
}

TEST_F(StackTest, ReadOnlyUpper) {
  if (!testing::EnterPrivateMounts()) GTEST_SKIP() << "mounting takes root";
  tree_.Dir("ro/up");
  tree_.Dir("ro/work");
  const std::string ro = tree_ / "ro";
  ASSERT_EQ(::mount(ro.c_str(), ro.c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(::mount(nullptr, ro.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr), 0);
  config_.upper = ro + "/up";
  config_.work = ro + "/work";
  EXPECT_THAT(Problem(EROFS), HasSubstr("read-only mount"));
  ASSERT_EQ(::umount(ro.c_str()), 0);
}

TEST_F(StackTest, OneMountAtATime) {
  Result<Stack> first = Open();
  ASSERT_TRUE(first.has_value()) << problem_;
  EXPECT_THAT(Problem(EBUSY), AllOf(HasSubstr("upperdir"), HasSubstr("in use by another")));
  tree_.Dir("up2");
  config_.upper = tree_ / "up2";
  EXPECT_THAT(Problem(EBUSY), AllOf(HasSubstr("workdir"), HasSubstr("in use by another")));
  config_.upper = tree_ / "up";
  first = Fail(EIO);  // the first stack goes, and with it the locks
  EXPECT_TRUE(Open().has_value()) << problem_;
}

TEST_F(StackTest, NoAttributes) {
  config_.userxattr = false;
  os_.FailAlways("SetXattrFd", EPERM);
  EXPECT_THAT(Problem(EPERM), AllOf(HasSubstr("run as root"), HasSubstr("-o userxattr")));
  os_.FailAlways("SetXattrFd", EOPNOTSUPP);
  EXPECT_THAT(Problem(EOPNOTSUPP), HasSubstr("no trusted attributes"));
  config_.userxattr = true;
  EXPECT_THAT(Problem(EOPNOTSUPP), HasSubstr("no user attributes"));
  os_.FailAlways("SetXattrFd", ENOSPC);
  EXPECT_THAT(Problem(ENOSPC), HasSubstr("full: make room"));
}

TEST_F(StackTest, NoWhiteouts) {
  os_.FailAlways("MakeNode", EPERM);
  EXPECT_THAT(Problem(EPERM), AllOf(HasSubstr("whiteout"), HasSubstr("ext4, xfs, btrfs or tmpfs")));
  os_.FailAlways("MakeNode", EOPNOTSUPP);
  EXPECT_THAT(Problem(EOPNOTSUPP), HasSubstr("ext4, xfs, btrfs or tmpfs"));
  os_.FailAlways("MakeNode", ENOSPC);
  EXPECT_THAT(Problem(ENOSPC), HasSubstr("full: make room"));
}

TEST_F(StackTest, LackingExtrasIsNoError) {
  os_.FailAlways("OpenTmpFile", EOPNOTSUPP);
  os_.FailAlways("Rename", EINVAL);
  os_.FailAlways("NameToHandle", EOPNOTSUPP);
  const Result<Stack> stack = Open();
  ASSERT_TRUE(stack.has_value()) << problem_;
  EXPECT_FALSE(stack->has_tmpfile());
  EXPECT_FALSE(stack->has_rename_whiteout());
  EXPECT_FALSE(stack->layer(0).handles);
}

// Whatever call fails at a mount, there is a line, and a later mount works.
TEST_F(StackTest, EveryFailureIsExplainedAndRecoverable) {
  int explained = 0;
  for (const char* call : {"OpenBeneath", "Stat", "StatFd", "MakeDir", "Chmod", "List", "MakeNode",
                           "SetXattrFd", "RemoveXattrFd", "Unlink"}) {
    for (int nth = 1; nth < 10; ++nth) {
      os_.Reset();
      os_.FailNth(call, nth, EIO);
      config_.volatile_upper = false;
      const Result<Stack> stack = Open();
      if (stack) continue;
      ++explained;
      EXPECT_EQ(stack.error().code, EIO) << call << " " << nth;
      EXPECT_FALSE(problem_.empty()) << call << " " << nth;
      EXPECT_THAT(problem_, Not(HasSubstr("\n")));
      os_.Reset();
      ASSERT_TRUE(Open().has_value()) << call << " " << nth << ": " << problem_;
    }
  }
  EXPECT_GT(explained, 10);
}

// An ordinary user without any privilege, in a directory of his own.
TEST_F(StackTest, UnprivilegedUse) {
  if (!IsRoot()) GTEST_SKIP() << "starts as root and gives it up";
  constexpr uid_t kNobody = 65534;
  for (const char* dir : {"", "low", "low2", "up", "work"}) {
    ASSERT_EQ(::chown((tree_ / dir).c_str(), kNobody, kNobody), 0);
  }
  const auto as_nobody = [&](const std::function<bool()>& check) {
    const pid_t child = ::fork();
    if (child == 0) {
      // The parent's InitThread keeps capabilities over a change of user; a real one loses them.
      const bool dropped = ::prctl(PR_SET_SECUREBITS, 0) == 0 &&
                           ::setresgid(kNobody, kNobody, kNobody) == 0 &&
                           ::setresuid(kNobody, kNobody, kNobody) == 0;
      const bool good = dropped && check();
      if (!good) std::fprintf(stderr, "as nobody: '%s'\n", problem_.c_str());
      ::_exit(good ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  };
  const auto redirects = [&] {
    const Result<Stack> stack = Open();
    return stack ? std::optional(stack->redirects()) : std::nullopt;
  };
  EXPECT_TRUE(as_nobody([&] { return redirects() == Redirects::kMake; })) << "with userxattr";
  EXPECT_TRUE(as_nobody([&] {
    config_.for_others = true;
    return redirects() == Redirects::kRefuse;
  })) << "marks of others would lead them where only nobody may go";
  EXPECT_TRUE(as_nobody([&] {
    config_.userxattr = false;
    return !Open() && problem_.find("-o userxattr") != problem_.npos;
  })) << "without it, the line names the remedy";
  ASSERT_EQ(::chmod((tree_ / "low").c_str(), 0), 0);
  EXPECT_TRUE(as_nobody([&] {
    const Result<Stack> stack = Open();
    return !stack && stack.error().code == EACCES &&
           problem_.find("permission denied") != problem_.npos;
  }));
}

}  // namespace
}  // namespace blendfs::layer
