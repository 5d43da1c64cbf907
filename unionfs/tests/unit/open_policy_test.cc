// SPDX-License-Identifier: MIT
// Which kind an open gets, against a fake of the kernel's table of backing files that enforces its rule.
#include "unionfs/fuse/open_policy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <map>
#include <thread>
#include <vector>

namespace blendfs::fuse {
namespace {

class FakeBackingFiles : public BackingFiles {
 public:
  Result<int> Register(BorrowedFd) override {
    const std::lock_guard lock(mutex);
    ++attempts;
    if (fail_with != 0) return Fail(fail_with);
    registered.insert({++last_id, true});
    return last_id;
  }
  void Unregister(int backing_id) override {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(registered.erase(backing_id), 1u) << "closed twice or never opened: " << backing_id;
  }

  std::mutex mutex;
  std::map<int, bool> registered;
  int last_id = 0, attempts = 0, fail_with = 0;
};

class FakeFile : public merge::OpenFile {
 public:
  FakeFile(merge::Node& node, bool on_upper, int flags = O_RDWR)
      : node_(node), on_upper_(on_upper), flags_(flags), fd_(memfd_create("file", MFD_CLOEXEC)) {}
  merge::Node& node() override { return node_; }
  int flags() const override { return flags_; }
  Result<BorrowedFd> data() override { return fd_.borrow(); }
  bool on_upper() const override { return on_upper_; }

 private:
  merge::Node& node_;
  bool on_upper_;
  int flags_;
  UniqueFd fd_;
};

class OpenPolicyTest : public ::testing::Test {
 protected:
  OpenPolicyTest() { policy.AllowPassthrough(true); }

  FakeBackingFiles backing;
  Statistics statistics;
  OpenPolicy policy{backing, statistics};
  merge::Node node{{0, 12}, 12, S_IFREG, 1};
  FakeFile lower{node, false, O_RDONLY}, upper{node, true};
  FakeFile upper_reader{node, true, O_RDONLY}, upper_writer{node, true, O_WRONLY};
};

TEST_F(OpenPolicyTest, LowerFilesAreCachedAndKeepTheirPages) {
  OpenDecision decision = policy.Enter(lower);
  EXPECT_EQ(decision.kind, OpenKind::kCached);
  EXPECT_TRUE(decision.keep_cache);
  policy.Leave(lower);
  EXPECT_EQ(backing.attempts, 0);
}

TEST_F(OpenPolicyTest, OpensOfAnUpperFileShareOneBackingFile) {
  OpenDecision first = policy.Enter(upper);
  OpenDecision second = policy.Enter(upper);
  EXPECT_EQ(first.kind, OpenKind::kPassthrough);
  EXPECT_EQ(second.kind, OpenKind::kPassthrough);
  EXPECT_EQ(first.backing_id, second.backing_id);
  EXPECT_FALSE(second.keep_cache);
  policy.Leave(upper);
  EXPECT_EQ(backing.registered.size(), 1u) << "one open is still live";
  policy.Leave(upper);
  EXPECT_TRUE(backing.registered.empty());
  EXPECT_NE(policy.Enter(upper).backing_id, first.backing_id);
  policy.Leave(upper);
}

TEST_F(OpenPolicyTest, ACachedOpenStaysCachedOverCopyUpUntilItsLastClose) {
  EXPECT_EQ(policy.Enter(lower).kind, OpenKind::kCached);
  OpenDecision writer = policy.Enter(upper);
  EXPECT_EQ(writer.kind, OpenKind::kCached);
  EXPECT_TRUE(writer.keep_cache);
  policy.Leave(lower);
  EXPECT_EQ(policy.Enter(upper).kind, OpenKind::kCached);
  policy.Leave(upper);
  policy.Leave(upper);
  EXPECT_EQ(policy.Enter(upper).kind, OpenKind::kPassthrough);
  policy.Leave(upper);
}

TEST_F(OpenPolicyTest, ALowerOpenThatComesLateJoinsPassthrough) {
  OpenDecision writer = policy.Enter(upper);
  OpenDecision late = policy.Enter(lower);  // opened before the copy-up, answered after it
  EXPECT_EQ(late.kind, OpenKind::kPassthrough);
  EXPECT_EQ(late.backing_id, writer.backing_id);
  policy.Leave(lower);
  policy.Leave(upper);
}

TEST_F(OpenPolicyTest, WithoutPrivilegeItFallsBackForGood) {
  backing.fail_with = EPERM;
  OpenDecision decision = policy.Enter(upper);
  EXPECT_EQ(decision.kind, OpenKind::kCached);
  EXPECT_TRUE(decision.keep_cache) << "passthrough never worked: no pages can be stale";
  policy.Leave(upper);
  policy.Enter(upper);
  policy.Leave(upper);
  EXPECT_EQ(backing.attempts, 1);
}

TEST_F(OpenPolicyTest, AFailureAfterItWorkedMustNotUseOldPages) {
  policy.Enter(upper);
  policy.Leave(upper);
  backing.fail_with = ENOMEM;
  EXPECT_EQ(policy.Enter(upper).kind, OpenKind::kDirect);
  backing.fail_with = 0;
  EXPECT_EQ(policy.Enter(upper).kind, OpenKind::kDirect) << "all live opens agree";
  policy.Leave(upper);
  policy.Leave(upper);
  EXPECT_EQ(policy.Enter(upper).kind, OpenKind::kPassthrough);
  policy.Leave(upper);
}

TEST_F(OpenPolicyTest, SwitchedOffItIsNeverTried) {
  policy.AllowPassthrough(false);
  EXPECT_EQ(policy.Enter(upper).kind, OpenKind::kCached);
  policy.Leave(upper);
  EXPECT_EQ(backing.attempts, 0);
}

TEST_F(OpenPolicyTest, AttributesAreKeptUnlessAMappingMayChangeThem) {
  EXPECT_GT(AttributesSeconds(node), 1e6);
  policy.Enter(upper_writer);
  EXPECT_GT(AttributesSeconds(node), 1e6) << "a shared writable mapping needs O_RDWR";
  policy.Enter(upper);
  EXPECT_EQ(AttributesSeconds(node), 0.0);
  policy.Leave(upper);
  policy.Leave(upper_writer);
  EXPECT_EQ(AttributesSeconds(node), 0.0) << "the mapping may outlive the open";
}

TEST_F(OpenPolicyTest, KnowsWhatIsOpenForWriting) {
  policy.Enter(upper_reader);
  EXPECT_FALSE(policy.IsOpenForWriting(node));
  policy.Enter(upper);
  EXPECT_TRUE(policy.IsOpenForWriting(node));
  policy.Leave(upper);
  EXPECT_FALSE(policy.IsOpenForWriting(node));
  policy.Leave(upper_reader);
}

TEST_F(OpenPolicyTest, OpensAtTheSameTimeAgree) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      FakeFile mine(node, t % 2 == 0);
      for (int i = 0; i < 2000; ++i) {
        OpenDecision held = policy.Enter(mine);
        OpenDecision again = policy.Enter(mine);
        EXPECT_EQ(held.kind, again.kind);
        EXPECT_EQ(held.backing_id, again.backing_id);
        policy.Leave(mine);
        policy.Leave(mine);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(backing.registered.empty());
}

TEST_F(OpenPolicyTest, ApplyingADecisionNeverMixesPassthroughWithThePageCache) {
  fuse_file_info info{};
  OpenDecision{OpenKind::kPassthrough, 7, true}.ApplyTo(info);
  EXPECT_EQ(info.keep_cache, 0u);
#if BLENDFS_HAVE_PASSTHROUGH
  EXPECT_EQ(info.backing_id, 7);
#endif
}

}  // namespace
}  // namespace blendfs::fuse
