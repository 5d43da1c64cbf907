// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "unionfs/layer/copy.h"
#include "unionfs/layer/format.h"
#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/temp_tree.h"

namespace blendfs::layer {
namespace {

using testing::FaultyCalls;
using testing::IsRoot;
using testing::TempTree;

constexpr uint64_t kMiB = 1024 * 1024;
constexpr uint64_t kGiB = 1024 * kMiB;

std::string Pattern(size_t bytes, unsigned seed) {
  std::string data(bytes, '\0');
  uint32_t state = seed * 2654435761u + 1;
  for (char& c : data) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24 | 1u);  // never zero, so that a lost byte shows
  }
  return data;
}

class CopyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    from_ = tree_.Open("from", O_RDWR | O_CREAT);
    to_ = tree_.Open("to", O_RDWR | O_CREAT);
  }
  void Put(uint64_t offset, const std::string& data) {
    testing::Check(::pwrite(from_.get(), data.data(), data.size(), static_cast<off_t>(offset)) ==
                       static_cast<ssize_t>(data.size()),
                   "pwrite");
  }
  void Extend(uint64_t size) {
    testing::Check(::ftruncate(from_.get(), static_cast<off_t>(size)) == 0, "ftruncate");
  }
  Status Copy() { return Copy(static_cast<uint64_t>(tree_.Stat("from").st_size)); }
  Status Copy(uint64_t size) { return CopyData(os_, from_.borrow(), to_.borrow(), size); }
  std::string Get(uint64_t offset, size_t bytes) {
    std::string data(bytes, '?');
    const ssize_t got = ::pread(to_.get(), data.data(), bytes, static_cast<off_t>(offset));
    data.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return data;
  }
  // The rungs above the one to be tested.
  void WithoutClone() { os_.FailAlways("Clone", EOPNOTSUPP); }
  void WithoutCopyRange() {
    WithoutClone();
    os_.FailAlways("CopyRange", EXDEV);
  }
  void WithoutSeek() {
    WithoutCopyRange();
    os_.FailAlways("Seek", EINVAL);
  }

  TempTree tree_;
  FaultyCalls os_;
  UniqueFd from_, to_;
};

TEST_F(CopyTest, EmptyFileNeedsNoCopy) {
  ASSERT_TRUE(Copy(0).has_value());
  EXPECT_EQ(tree_.Stat("to").st_size, 0);
  EXPECT_TRUE(os_.changes().empty());
}

TEST_F(CopyTest, EveryRungCopiesTheSameBytes) {
  const std::string data = Pattern(3 * kMiB + 12345, 1);
  Put(0, data);
  for (int rung = 0; rung < 4; ++rung) {
    os_.Reset();
    if (rung == 1) WithoutClone();
    if (rung == 2) WithoutCopyRange();
    if (rung == 3) WithoutSeek();
    ASSERT_EQ(::ftruncate(to_.get(), 0), 0);
    ASSERT_TRUE(Copy().has_value()) << rung;
    EXPECT_EQ(tree_.Stat("to").st_size, static_cast<off_t>(data.size())) << rung;
    EXPECT_TRUE(Get(0, data.size() + 1) == data) << rung;
  }
  EXPECT_GE(os_.count("Write"), 4);
}

TEST_F(CopyTest, CloneIsEnoughWhereItWorks) {
  // A file system that clones, as seen by the code under test.
  class Cloning : public FaultyCalls {
   public:
    Status Clone(BorrowedFd from, BorrowedFd to) override {
      const Result<sys::FileStat> stat = sys::Real().StatFd(from);
      return sys::Real().Truncate(to, stat->size);
    }
  } os;
  Put(0, Pattern(8192, 2));
  ASSERT_TRUE(CopyData(os, from_.borrow(), to_.borrow(), 8192).has_value());
  EXPECT_TRUE(os.changes().empty()) << "nothing but the clone";
  ASSERT_EQ(::ftruncate(to_.get(), 0), 0);
  ASSERT_TRUE(CopyData(os, from_.borrow(), to_.borrow(), 4096).has_value());
  EXPECT_EQ(tree_.Stat("to").st_size, 4096) << "a clone takes everything: cut to what was asked";
}

TEST_F(CopyTest, HolesStayHoles) {
  WithoutClone();
  const std::string data = Pattern(64 * 1024, 3);
  Put(0, data);
  Put(16 * kMiB, data);
  Extend(64 * kMiB);
  ASSERT_TRUE(Copy().has_value());
  EXPECT_EQ(tree_.Stat("to").st_size, static_cast<off_t>(64 * kMiB));
  EXPECT_LT(tree_.Stat("to").st_blocks * 512, static_cast<blkcnt_t>(kMiB));
  EXPECT_TRUE(Get(0, data.size()) == data);
  EXPECT_TRUE(Get(16 * kMiB, data.size()) == data);
  EXPECT_TRUE(Get(8 * kMiB, 4096) == std::string(4096, '\0'));
}

TEST_F(CopyTest, NothingButAHole) {
  WithoutClone();
  Extend(kGiB);
  ASSERT_TRUE(Copy().has_value());
  EXPECT_EQ(tree_.Stat("to").st_size, static_cast<off_t>(kGiB));
  EXPECT_EQ(tree_.Stat("to").st_blocks, 0);
  EXPECT_EQ(os_.count("CopyRange") + os_.count("Read"), 0);
}

TEST_F(CopyTest, SparseBeyondFourGiB) {
  WithoutCopyRange();
  const std::string data = Pattern(5000, 4);
  Put(6 * kGiB + 1234, data);
  Extend(9 * kGiB + 1);
  ASSERT_TRUE(Copy().has_value());
  EXPECT_EQ(tree_.Stat("to").st_size, static_cast<off_t>(9 * kGiB + 1));
  EXPECT_TRUE(Get(6 * kGiB + 1234, data.size()) == data);
  EXPECT_LT(tree_.Stat("to").st_blocks * 512, static_cast<blkcnt_t>(kMiB));
}

TEST_F(CopyTest, FallsInTheMiddleAndGoesOnWhereItWas) {
  WithoutClone();
  const std::string data = Pattern(256 * 1024, 5);
  Put(0, data);
  Put(8 * kMiB, data);
  Put(16 * kMiB, data);
  os_.FailNth("CopyRange", 2, EINVAL);
  ASSERT_TRUE(Copy().has_value());
  EXPECT_EQ(os_.count("CopyRange"), 2) << "a rung that broke is not tried again";
  for (const uint64_t at : {uint64_t{0}, 8 * kMiB, 16 * kMiB}) {
    EXPECT_TRUE(Get(at, data.size()) == data) << at;
  }
}

TEST_F(CopyTest, EveryErrnoOfAMissingFacilityFallsDown) {
  const std::string data = Pattern(10000, 6);
  Put(0, data);
  for (const int error : {EXDEV, EOPNOTSUPP, EINVAL, ENOSYS, ETXTBSY, EPERM, ENOTTY}) {
    os_.Reset();
    os_.FailAlways("Clone", error);
    os_.FailAlways("CopyRange", error);
    ASSERT_EQ(::ftruncate(to_.get(), 0), 0);
    ASSERT_TRUE(Copy().has_value()) << error;
    EXPECT_TRUE(Get(0, data.size()) == data) << error;
  }
}

TEST_F(CopyTest, RealTroubleIsNeverMasked) {
  Put(0, Pattern(2 * kMiB, 7));
  for (const int error : {ENOSPC, EIO, EDQUOT, EFBIG}) {
    for (const char* call : {"Clone", "CopyRange", "Seek", "Read", "Write", "StatFd"}) {
      os_.Reset();
      if (call != std::string("Clone")) WithoutClone();
      if (call == std::string("Read") || call == std::string("Write")) WithoutCopyRange();
      os_.FailAlways(call, error);
      ASSERT_EQ(::ftruncate(to_.get(), 0), 0);
      const Status status = Copy();
      ASSERT_FALSE(status.has_value()) << call;
      EXPECT_EQ(status.error().code, error) << call;
    }
  }
  os_.Reset();
  WithoutCopyRange();
  os_.FailNth("Write", 2, ENOSPC);
  EXPECT_EQ(Copy().error().code, ENOSPC) << "in the middle, too";
}

TEST_F(CopyTest, TruncateErrorsCount) {
  WithoutClone();
  Extend(kMiB);
  os_.FailAlways("Truncate", ENOSPC);
  EXPECT_EQ(Copy().error().code, ENOSPC);
}

TEST_F(CopyTest, StopsWhereTheSourceEnds) {
  const std::string data = Pattern(10000, 8);
  Put(0, data);
  for (int rung = 1; rung < 4; ++rung) {
    os_.Reset();
    if (rung == 1) WithoutClone();
    if (rung == 2) WithoutCopyRange();
    if (rung == 3) WithoutSeek();
    ASSERT_EQ(::ftruncate(to_.get(), 0), 0);
    ASSERT_TRUE(Copy(50000).has_value()) << rung;
    EXPECT_TRUE(Get(0, 60000) == data) << rung;
  }
}

// A source that reports one size and holds less, as when it shrinks during the copy.
TEST_F(CopyTest, StopsWhereReadingEnds) {
  class Shrunk : public FaultyCalls {
   public:
    Result<sys::FileStat> StatFd(BorrowedFd fd) override {
      Result<sys::FileStat> stat = sys::Real().StatFd(fd);
      stat->size = 100000;
      return stat;
    }
  } os;
  os.FailAlways("Clone", EOPNOTSUPP);
  os.FailAlways("Seek", EOPNOTSUPP);
  const std::string data = Pattern(10000, 9);
  Put(0, data);
  ASSERT_TRUE(CopyData(os, from_.borrow(), to_.borrow(), 100000).has_value());
  EXPECT_TRUE(Get(0, 200000) == data);
}

// A lower file system that answers nonsense must neither hang nor lose data.
TEST_F(CopyTest, NonsenseFromSeekIsSurvived) {
  class Liar : public FaultyCalls {
   public:
    Result<uint64_t> Seek(BorrowedFd, int64_t offset, int whence) override {
      if (whence == SEEK_HOLE) return static_cast<uint64_t>(offset);  // "a hole right at the data"
      return static_cast<uint64_t>(offset / 2);                       // "data before where you are"
    }
  } os;
  os.FailAlways("Clone", EOPNOTSUPP);
  const std::string data = Pattern(300000, 10);
  Put(0, data);
  ASSERT_TRUE(CopyData(os, from_.borrow(), to_.borrow(), data.size()).has_value());
  EXPECT_TRUE(Get(0, data.size() + 1) == data);
}

class CopyXattrsTest : public ::testing::Test {
 protected:
  Status Copy() {
    to_ = tree_.Open("to", O_RDWR | O_CREAT);
    return CopyXattrs(os_, format_, tree_.fd(), "from", to_.borrow());
  }
  TempTree tree_;
  FaultyCalls os_;
  Format format_{true};
  UniqueFd to_;
};

TEST_F(CopyXattrsTest, KeepsTheUsersAndDropsOverlayfss) {
  tree_.File("from");
  tree_.Xattr("from", "user.comment", "hello");
  tree_.Xattr("from", "user.empty", "");
  tree_.Xattr("from", "user.large", std::string(1000, 'x'));
  tree_.Xattr("from", "user.overlay.overlay.opaque", "y");  // of an overlay inside the union
  tree_.Xattr("from", "user.overlay.redirect", "/evil");
  tree_.Xattr("from", "user.blendfs.own", "1");
  ASSERT_TRUE(Copy().has_value());
  EXPECT_EQ(tree_.GetXattr("to", "user.comment"), "hello");
  EXPECT_EQ(tree_.GetXattr("to", "user.empty"), "");
  EXPECT_EQ(tree_.GetXattr("to", "user.large"), std::string(1000, 'x'));
  EXPECT_EQ(tree_.GetXattr("to", "user.overlay.overlay.opaque"), "y");
  EXPECT_EQ(tree_.GetXattr("to", "user.overlay.redirect"), "(absent)");
  EXPECT_EQ(tree_.GetXattr("to", "user.blendfs.own"), "(absent)");
}

TEST_F(CopyXattrsTest, CapabilitiesAndAclsAreCopied) {
  if (!IsRoot()) GTEST_SKIP() << "setting security.capability takes root";
  tree_.File("from");
  const std::string capability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  const std::string acl(
      "\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x04\0\xe8\x03\0\0"
      "\x04\0\x04\0\xff\xff\xff\xff\x10\0\x04\0\xff\xff\xff\xff"
      "\x20\0\0\0\xff\xff\xff\xff",
      44);
  tree_.Xattr("from", "security.capability", capability);
  tree_.Xattr("from", "system.posix_acl_access", acl);
  ASSERT_TRUE(Copy().has_value());
  EXPECT_EQ(tree_.GetXattr("to", "security.capability"), capability);
  EXPECT_EQ(tree_.GetXattr("to", "system.posix_acl_access"), acl);
  os_.FailAlways("SetXattrFd", EOPNOTSUPP);
  EXPECT_EQ(Copy().error().code, EOPNOTSUPP) << "a copy without its ACL would be too open";
}

TEST_F(CopyXattrsTest, ErrorsThatMatterAreReported) {
  tree_.File("from");
  tree_.Xattr("from", "user.comment", "hello");
  os_.FailAlways("SetXattrFd", EOPNOTSUPP);
  EXPECT_TRUE(Copy().has_value()) << "an upper without user attributes still takes the file";
  os_.FailAlways("SetXattrFd", ENOSPC);
  EXPECT_EQ(Copy().error().code, ENOSPC);
  os_.Reset();
  os_.FailAlways("GetXattr", ENODATA);
  EXPECT_TRUE(Copy().has_value());
  os_.FailAlways("GetXattr", EIO);
  EXPECT_EQ(Copy().error().code, EIO);
  os_.FailAlways("ListXattr", EOPNOTSUPP);
  EXPECT_TRUE(Copy().has_value());
  os_.FailAlways("ListXattr", EIO);
  EXPECT_EQ(Copy().error().code, EIO);
}

}  // namespace
}  // namespace blendfs::layer
