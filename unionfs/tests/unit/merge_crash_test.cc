// SPDX-License-Identifier: MIT
// A crash after every single change to the layers: what is mounted afterwards is the tree from before
// the operation or the one from after it, and the work directory is clean.
#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/operation.h"

namespace blendfs::testing {
namespace {

class CrashTest : public OperationTest, public ::testing::WithParamInterface<Operation> {};

TEST_P(CrashTest, LeavesTheOldTreeOrTheNew) {
  const Operation& operation = GetParam();
  FaultyCalls counting;
  ASSERT_NO_FATAL_FAILURE(Begin(operation, counting));
  const int first = static_cast<int>(counting.changes().size());
  const Tree before = LookAgain();
  ASSERT_NO_FATAL_FAILURE(Begin(operation, counting));
  counting.Reset();
  ASSERT_TRUE(Run(operation));
  const int changes = static_cast<int>(counting.changes().size());
  Close();
  const Tree after = LookAgain();
  ASSERT_GT(changes, 0);

  for (int crash = 1; crash <= changes; ++crash) {
    SCOPED_TRACE("crash after change " + std::to_string(crash));
    FaultyCalls os;
    os.CrashAfterChange(first + crash);
    ASSERT_NO_FATAL_FAILURE(Begin(operation, os));
    (void)Run(operation);
    EXPECT_TRUE(os.crashed());
    Close();
    const Tree found = LookAgain();
    if (operation.between == Between::kNever) {
      EXPECT_EQ(Difference(found == before ? before : after, found), "");
    }
    EXPECT_TRUE(WorkIsEmpty());
  }
}

std::string NameOf(const ::testing::TestParamInfo<Operation>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Operations, CrashTest, ::testing::ValuesIn(ChangingOperations()), NameOf);

}  // namespace
}  // namespace blendfs::testing
