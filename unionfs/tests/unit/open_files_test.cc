// SPDX-License-Identifier: MIT
// Whoever opened a file, it ends once: with its release, or with the registry when the kernel never sent one.
#include "unionfs/fuse/open_files.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace blendfs::fuse {
namespace {

class CountedFile : public merge::OpenFile {
 public:
  explicit CountedFile(std::atomic<int>& live) : live_(live) { ++live_; }
  ~CountedFile() override { --live_; }
  merge::Node& node() override { std::abort(); }
  int flags() const override { return 0; }
  Result<BorrowedFd> data() override { return Fail(EBADF); }
  bool on_upper() const override { return false; }

 private:
  std::atomic<int>& live_;
};

TEST(OpenFiles, WhatWasNotReleasedEndsWithIt) {
  std::atomic<int> live{0};
  {
    OpenFiles files;
    std::vector<merge::OpenFile*> added;
    for (int i = 0; i < 300; ++i) {
      std::unique_ptr<merge::OpenFile> file = std::make_unique<CountedFile>(live);
      added.push_back(file.get());
      files.Add(file);
      EXPECT_EQ(file, nullptr);
    }
    for (int i = 0; i < 300; i += 2) (void)files.Take(*added[i]);
    EXPECT_EQ(live, 150);
  }
  EXPECT_EQ(live, 0);
}

TEST(OpenFiles, ThreadsOpenAndReleaseAtOnce) {
  std::atomic<int> live{0};
  {
    OpenFiles files;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&files, &live] {
        for (int i = 0; i < 3000; ++i) {
          std::unique_ptr<merge::OpenFile> file = std::make_unique<CountedFile>(live);
          merge::OpenFile& added = *file;
          files.Add(file);
          if (i % 3 != 0) (void)files.Take(added);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(live, 4000);
  }
  EXPECT_EQ(live, 0);
}

}  // namespace
}  // namespace blendfs::fuse
