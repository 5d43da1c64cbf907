// SPDX-License-Identifier: MIT
// Every system call of every operation fails once, with every errno that a full, broken or exhausted
// machine gives. Then:
//   - the operation fails with that errno and has changed nothing, or, where a comment below says
//     why, it has succeeded or changed all;
//   - nothing is left in the work directory, no descriptor and no node is held;
//   - it succeeds when asked again, and a new mount shows the same tree.
#include <dirent.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <set>

#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/operation.h"

namespace blendfs::testing {
namespace {

constexpr std::array kErrors = {ENOSPC, EIO, EMFILE, EDQUOT, ENOMEM};

// Calls that may fail without the operation failing, and why that is right.
bool IsBestEffort(const std::string& call, const Operation& operation) {
  static const std::set<std::string> always = {
      "SetTimesFd",  // the times of the parent over a copy-up
      "StatFd",      // the same, and st_blocks of a metadata-only copy
      "Unlink",      // clearing the work directory, an index entry, a whiteout that hides nothing
      "RemoveDir",   // clearing the work directory
  };
  // Clearing a directory there, which is searched for whiteouts.
  static const std::set<std::string> clearing = {"OpenBeneath", "List", "Stat"};
  const bool clears = operation.name.ends_with("Emptied") || operation.name.ends_with("Inheriting");
  return always.contains(call) || (clears && clearing.contains(call));
}

int TotalParts() {
  return ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
}

int CountDescriptors() {
  DIR* dir = ::opendir("/proc/self/fd");
  int count = 0;
  while (dir != nullptr && ::readdir(dir) != nullptr) ++count;
  if (dir != nullptr) ::closedir(dir);
  return count;
}

// A system that never moves more than a piece at a time: what signals, quotas and full disks leave of
// a large read or write.
class PiecewiseCalls : public FaultyCalls {
 public:
  void SetPiece(size_t bytes, bool through_a_buffer) {
    piece_ = bytes;
    through_a_buffer_ = through_a_buffer;
  }
  Result<size_t> Read(BorrowedFd fd, void* buffer, size_t size, uint64_t offset) override {
    return FaultyCalls::Read(fd, buffer, std::min(size, piece_), offset);
  }
  Result<size_t> Write(BorrowedFd fd, const void* buffer, size_t size, uint64_t offset) override {
    return FaultyCalls::Write(fd, buffer, std::min(size, piece_), offset);
  }
  Result<size_t> CopyRange(BorrowedFd from, uint64_t from_offset, BorrowedFd to, uint64_t to_offset,
                           size_t size) override {
    if (through_a_buffer_) return Fail(EXDEV);
    return FaultyCalls::CopyRange(from, from_offset, to, to_offset, std::min(size, piece_));
  }

 private:
  size_t piece_ = SIZE_MAX;
  bool through_a_buffer_ = false;
};

class FaultTest : public OperationTest, public ::testing::WithParamInterface<Operation> {
 protected:
  // What a run without faults does.
  void Rehearse(const Operation& operation) {
    ASSERT_NO_FATAL_FAILURE(Begin(operation, os_));
    before_ = Look();
    nodes_before_ = fs().counters().nodes;
    ASSERT_NO_FATAL_FAILURE(Begin(operation, os_));
    int calls = 0;
    os_.SetHook([&](const FaultyCalls::Event&) {
      ++calls;
      return FaultyCalls::Decision{};
    });
    const Status done = Run(operation);
    os_.SetHook(nullptr);
    ASSERT_TRUE(done) << done.error().doing;
    calls_ = calls;
    seen_ = seen;
    after_ = Look();
    nodes_after_ = fs().counters().nodes;
    EXPECT_EQ(Difference(after_, LookAgain()), "") << "a new mount differs";
  }

  // The run whose call number `nth` fails with `error`.
  Status Fault(const Operation& operation, int nth, int error) {
    int calls = 0;
    os_.SetHook([&](const FaultyCalls::Event& event) {
      if (++calls != nth) return FaultyCalls::Decision{};
      failed_call_ = event.call;
      return FaultyCalls::Decision{FaultyCalls::Action::kFail, error};
    });
    Status done = Run(operation);
    os_.SetHook(nullptr);
    return done;
  }

  void Judge(const Operation& operation, const Status& done, int error) {
    const bool clean = WorkIsEmpty();
    const Tree found = Look();
    const bool changed = found != before_;
    if (done) {
      EXPECT_TRUE(IsBestEffort(failed_call_, operation)) << "the operation hides the error";
      EXPECT_EQ(Difference(after_, found), "") << "the operation claims to have succeeded";
      EXPECT_EQ(seen, seen_);
    } else {
      EXPECT_EQ(done.error().code, error) << done.error().doing;
      if (operation.between != Between::kAlways) {
        EXPECT_EQ(Difference(changed ? after_ : before_, found), "") << "neither old nor new";
      }
      EXPECT_TRUE(!changed || MayFailLate(operation)) << "failed, and yet it is done";
    }
    EXPECT_EQ(fs().counters().nodes, changed || done ? nodes_after_ : nodes_before_)
        << "one object, two nodes";
    EXPECT_TRUE(clean || IsBestEffort(failed_call_, operation))
        << "something is left in the work directory";
  }

  // Attributes are told once they are changed, and that may fail.
  static bool MayFailLate(const Operation& operation) {
    return operation.name.starts_with("Ch") || operation.name.starts_with("Touch") ||
           operation.name.starts_with("Shorten") ||
           operation.name.find("runcat") != std::string::npos;
  }

  PiecewiseCalls os_;
  Tree before_, after_;
  std::string seen_, failed_call_;
  uint64_t nodes_before_ = 0, nodes_after_ = 0;
  int calls_ = 0;
};

TEST_P(FaultTest, EveryCallMayFail) {
  const Operation& operation = GetParam();
  const bool through_a_buffer = operation.name.ends_with("ThroughABuffer");
  if (through_a_buffer || operation.name.ends_with("InPieces")) {
    os_.SetPiece(60000, through_a_buffer);
  }
  ASSERT_NO_FATAL_FAILURE(Rehearse(operation));
  ASSERT_GT(calls_, 0);
  for (int nth = 1; nth <= calls_; ++nth) {
    for (const int error : kErrors) {
      ASSERT_NO_FATAL_FAILURE(Begin(operation, os_));
      const int descriptors = CountDescriptors();
      const Status done = Fault(operation, nth, error);
      SCOPED_TRACE("call " + std::to_string(nth) + " of " + std::to_string(calls_) + ", " +
                   failed_call_ + ", fails with errno " + std::to_string(error));
      Judge(operation, done, error);
      ForgetAll();
      EXPECT_EQ(fs().counters().nodes, 1U) << "nodes are held";
      EXPECT_EQ(CountDescriptors(), descriptors) << "descriptors are held";
      // Half of the errors are followed by a new mount, half by another try in the old one.
      const bool remount = error == EDQUOT || error == ENOMEM;
      if (remount) Open(os_);
      const Tree found = Look();
      if (!done && found != after_) {
        const Status again = Run(operation);
        EXPECT_TRUE(again) << "the second try: " << again.error().code << " "
                           << again.error().doing;
      }
      EXPECT_EQ(Difference(after_, Look()), "") << "after the second try";
      EXPECT_EQ(Difference(after_, LookAgain()), "") << "after a new mount";
      EXPECT_TRUE(WorkIsEmpty());
      if (HasFailure()) break;  // the other errors would say the same
    }
    if (TotalParts() > 12) return;
  }
  std::cout << operation.name << ": " << calls_ << " calls\n";
}

std::vector<Operation> All() {
  std::vector<Operation> all = ChangingOperations();
  for (const Operation& operation : LookingOperations()) all.push_back(operation);
  return all;
}
std::string NameOf(const ::testing::TestParamInfo<Operation>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Operations, FaultTest, ::testing::ValuesIn(All()), NameOf);

}  // namespace
}  // namespace blendfs::testing
