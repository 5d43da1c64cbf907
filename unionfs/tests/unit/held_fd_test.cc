// SPDX-License-Identifier: MIT
#include "unionfs/merge/held_fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include "unionfs/tests/unit/temp_tree.h"

namespace blendfs::merge {
namespace {

using testing::IsRoot;

// Directories "0", "1", ... of one layer, each held.
class HeldFdTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!IsRoot()) GTEST_SKIP() << "open_by_handle_at needs root";
    layer.mount = tree.Open(".", O_RDONLY | O_DIRECTORY);
    layer.lasting_handles = true;
  }
  void Hold(size_t count, size_t most) {
    keeper.emplace(sys::Real(), most);
    held = std::vector<HeldFd>(count);
    for (size_t i = 0; i < count; ++i) {
      tree.Dir(std::to_string(i));
      held[i].Set(*keeper, layer, tree.Open(std::to_string(i), O_PATH | O_DIRECTORY));
    }
  }
  // Whether it leads to the directory it was set to.
  ::testing::AssertionResult LeadsToItsDirectory(size_t number) {
    struct stat there {};
    if (::fstat(held[number].borrow().get(), &there) != 0) {
      return ::testing::AssertionFailure() << number << ": " << strerror(errno);
    }
    if (there.st_ino != tree.Stat(std::to_string(number)).st_ino) {
      return ::testing::AssertionFailure() << number << " leads elsewhere";
    }
    return ::testing::AssertionSuccess();
  }

  testing::TempTree tree;
  layer::Layer layer;
  std::optional<FdKeeper> keeper;
  std::vector<HeldFd> held;  // goes first
};

TEST_F(HeldFdTest, UnsetIsNone) {
  const HeldFd none;
  EXPECT_FALSE(none.is_set());
  EXPECT_FALSE(none.borrow());
  none.StayOpen();
  none.MayClose();
}

TEST_F(HeldFdTest, StaysBelowTheBoundAndOpensAgain) {
  Hold(100, 40);
  EXPECT_EQ(keeper->open(), 100u);
  keeper->Trim();
  EXPECT_LE(keeper->open(), 40u);
  for (size_t i = 0; i < held.size(); ++i) EXPECT_TRUE(LeadsToItsDirectory(i));
  EXPECT_EQ(keeper->open(), 100u);
  keeper->Trim();
  EXPECT_LE(keeper->open(), 40u);
  held.clear();
  EXPECT_EQ(keeper->open(), 0u);
}

TEST_F(HeldFdTest, TellsWhyOneIsLost) {
  Hold(2, 0);
  keeper->Trim();  // takes the marks of use away
  keeper->Trim();
  ASSERT_EQ(keeper->open(), 0u);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_FALSE(LeadsToItsDirectory(0));
  EXPECT_EQ(FdKeeper::LostBecause(), EMFILE);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(LeadsToItsDirectory(0)) << "it was lost for that moment only";
  ASSERT_EQ(::rmdir((tree / "1").c_str()), 0);
  EXPECT_FALSE(LeadsToItsDirectory(1));
  EXPECT_EQ(FdKeeper::LostBecause(), ESTALE);
}

TEST_F(HeldFdTest, WhatIsUsedStays) {
  Hold(50, 40);
  keeper->Trim();  // takes the marks of use away from some, and closes others
  const int first = held[7].borrow().get();
  for (int round = 0; round < 5; ++round) {
    for (size_t i = 20; i < 50; ++i) (void)held[i].borrow();
    (void)held[7].borrow();
    keeper->Trim();
  }
  EXPECT_EQ(held[7].borrow().get(), first);
}

TEST_F(HeldFdTest, ARemovedDirectoryStaysOpen) {
  Hold(40, 4);
  keeper->Trim();
  {
    OpenOverRemoval open(held[3]);
    ASSERT_EQ(::rmdir((tree / "3").c_str()), 0);
    open.Gone();
  }
  for (int round = 0; round < 4; ++round) keeper->Trim();
  struct stat there {};
  ASSERT_EQ(::fstat(held[3].borrow().get(), &there), 0);
  EXPECT_EQ(there.st_nlink, 0u);
}

TEST_F(HeldFdTest, ARemovalThatFailedLetsItClose) {
  Hold(8, 4);
  for (size_t i = 0; i < 8; ++i) const OpenOverRemoval open(held[i]);
  for (int round = 0; round < 4; ++round) keeper->Trim();
  EXPECT_LE(keeper->open(), 4u);
}

TEST_F(HeldFdTest, WhatIsGoneIsAnErrorAndNotNone) {
  Hold(40, 4);
  for (int round = 0; round < 4; ++round) keeper->Trim();
  for (size_t i = 0; i < 40; ++i) ASSERT_EQ(::rmdir((tree / std::to_string(i)).c_str()), 0);
  size_t lost = 0;
  for (const HeldFd& each : held) {
    ASSERT_TRUE(each.borrow());
    struct stat there {};
    if (::fstat(each.borrow().get(), &there) != 0) ++lost;
  }
  EXPECT_GE(lost, 36u);
}

TEST_F(HeldFdTest, WithoutLastingHandlesNothingIsClosed) {
  layer.lasting_handles = false;
  Hold(40, 4);
  keeper->Trim();
  EXPECT_EQ(keeper->open(), 40u);
}

TEST_F(HeldFdTest, WhatIsBorrowedIsNotClosedUnderItsUser) {
  Hold(64, 8);
  std::atomic<int> wrong{0};
  std::vector<std::thread> users;
  for (unsigned seed = 0; seed < 4; ++seed) {
    users.emplace_back([&, seed] {
      for (unsigned turn = 0; turn < 5'000; ++turn) {
        {
          const FdKeeper::Use use = keeper->Begin();
          const size_t number = (turn * 7 + seed * 13) % held.size();
          if (!LeadsToItsDirectory(number)) ++wrong;
        }
        keeper->Trim();
      }
    });
  }
  for (std::thread& each : users) each.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(keeper->open(), 16u);
}

}  // namespace
}  // namespace blendfs::merge
