// SPDX-License-Identifier: MIT
// The words that go to other machines, bundles, and who gets which block.
#include <gmock/gmock.h>

#include <ranges>

#include "harness/cluster/block_lock.h"
#include "harness/cluster/block_work.h"
#include "harness/cluster/dealer.h"
#include "harness/cluster/words.h"
#include "harness/measure/images.h"
#include "harness/spec/machines.h"
#include "harness/tests/cluster_fixture.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ClusterWords, WhatAShellWouldReadIsNoPlainWord) {
  for (const char* word : {"bin/blendbench", "/var/tmp", "a.b_c-d", "user@host:x", "K=V,W", "3"})
    EXPECT_TRUE(IsPlainWord(word)) << word;
  for (const char* word : {"", "-x", "a b", "$(x)", "`x`", "a;b", "a|b", "~root", "a\nb", "'a'",
                           "\"a\"", "a*", "a?b", "a&b", "a>b", "a\\b", "{a}", "\xc3\xa9"})
    EXPECT_FALSE(IsPlainWord(word)) << word;
  EXPECT_TRUE(IsPlainPath("workloads/fio/a.fio"));
  for (const char* path : {"../x", "a/../b", "/a", "a//b", "a/", ".", "a/-b", ""})
    EXPECT_FALSE(IsPlainPath(path)) << path;
}

TEST(ClusterWords, HostsAreNamesAndAreGivenOnce) {
  EXPECT_TRUE(CheckHosts({"a", "root@b.example", "c-1"}));
  for (const char* host :
       {"", "-oProxyCommand=x", "a b", "a@b@c", "@a", "a@", "a@-b", "a;b", "a/b"})
    EXPECT_FALSE(CheckHosts({"good", host})) << host;
  EXPECT_THAT(CheckHosts({"a", "a"}).error().message, HasSubstr("given twice"));
  EXPECT_THAT(CheckHosts({}).error().message, HasSubstr("--host NAME"));
}

TEST(ClusterWords, SlurmOptionsThatUndoAPromiseAreRefused) {
  EXPECT_EQ(*SlurmArgument("partition=long"), "--partition=long");
  EXPECT_EQ(*SlurmArgument("comment=two words = one"), "--comment=two words = one");
  for (const char* option : {"array=0-9", "exclusive=user", "no-requeue=1", "output=/x", "wrap=id",
                             "job-name=x", "chdir=/x", "nodes=2", "", "=x", "partition", "time="}) {
    const auto refused = SlurmArgument(option);
    ASSERT_FALSE(refused) << option;
    EXPECT_EQ(refused.error().code, ExitCode::kUsage);
  }
  EXPECT_THAT(SlurmArgument("acount=x").error().message, HasSubstr("did you mean account?"));
  EXPECT_FALSE(SlurmArgument("comment=two\nlines"));
  EXPECT_FALSE(SlurmArgument("comment=" + std::string(300, 'x')));
  EXPECT_FALSE(SlurmArguments({"time=1", "array=3"}));
}

TEST(ClusterWords, BlocksInFewWords) {
  EXPECT_EQ(BlocksText({5, 0, 1, 2, 2}), "0-2, 5");
  EXPECT_EQ(BlocksText({4, 5, 7}, ","), "4-5,7");
  EXPECT_EQ(BlocksText({}), "");
  EXPECT_EQ(BlockName(7), "b007");
  EXPECT_EQ(BlockOfName("b007"), 7);
  EXPECT_EQ(BlockOfName("b1234"), 1234);
  for (const char* name : {"b07", "b0007", "007", "b", "bx07", "b007.lock", "b999999", "c007"})
    EXPECT_EQ(BlockOfName(name), std::nullopt) << name;
}

TEST(ClusterDealer, BlocksGoOutInOrderToWhoeverIsFree) {
  Dealer dealer({0, 1, 2, 3}, {});
  EXPECT_EQ(dealer.Next("a"), 0);
  EXPECT_EQ(dealer.Next("b"), 1);
  dealer.Done(1, "b");
  EXPECT_EQ(dealer.Next("b"), 2);
  dealer.Failed(0, "a");
  EXPECT_EQ(dealer.Next("a"), 0) << "who has begun it continues";
  dealer.Done(0, "a");
  dealer.Done(2, "b");
  EXPECT_EQ(dealer.Next("b"), 3);
  EXPECT_EQ(dealer.Next("a"), std::nullopt);
  EXPECT_THAT(dealer.Left(), ElementsAre(3));
  EXPECT_FALSE(dealer.AllDone());
  dealer.Done(3, "b");
  EXPECT_TRUE(dealer.AllDone());
  EXPECT_EQ(dealer.owners().at(2), "b");
}

TEST(ClusterDealer, ABegunBlockWaitsForItsMachineAndIsTakenOverInTheEnd) {
  Dealer dealer({1, 2, 3}, {{1, "b"}, {0, "a"}});
  EXPECT_EQ(dealer.Next("a"), 2);
  EXPECT_EQ(dealer.Next("c"), 3);
  EXPECT_EQ(dealer.Next("b"), 1);
  dealer.Failed(1, "b");
  dealer.Done(2, "a");
  EXPECT_EQ(dealer.Next("a"), 1) << "nothing else is left";
}

TEST(ClusterDealer, AMachineThatFailsInARowIsGivenUp) {
  Dealer dealer({0, 1}, {}, 2);
  dealer.Failed(*dealer.Next("a"), "a");
  dealer.Done(*dealer.Next("a"), "a");  // a success starts the count anew
  dealer.Failed(*dealer.Next("a"), "a");
  EXPECT_FALSE(dealer.GivenUp("a"));
  dealer.Failed(*dealer.Next("a"), "a");
  EXPECT_TRUE(dealer.GivenUp("a"));
  EXPECT_EQ(dealer.Next("a"), std::nullopt);
  EXPECT_EQ(dealer.Next("b"), 1);
}

class BundleTest : public ClusterTest {
 protected:
  const Interrupt interrupt_;
  Result<Bundle> Make(const BundleOrder& order) {
    return MakeBundle(RunFolder(NewOrOpen()), order, RunDir(), interrupt_);
  }
  RunFolder NewOrOpen() { return fs::exists(RunDir() / "plan.json") ? OpenRun() : NewRun(); }
};

TEST_F(BundleTest, IsNamedByItsDigestAndTheSameForTheSameInputs) {
  const auto bundle = Make(Order());
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_THAT(bundle->name(), testing::MatchesRegex("bundle-[0-9a-f]{16}"));
  for (const char* path :
       {"plan.json", "spec.toml", "claims.toml", "bin/blendbench", "bin/blendload", "bin/blendfs",
        "block.sh", "workloads/programs/find.sh", "workloads/fio/path_read_1m.fio"}) {
    EXPECT_EQ(bundle->DigestOf(path), *Sha256OfFile(bundle->folder / path)) << path;
  }
  EXPECT_EQ(bundle->images.at("system"), Sha256Hex("system"));
  EXPECT_EQ(bundle->images_folder, folder_.path() / "images");
  EXPECT_FALSE(fs::exists(bundle->folder / "images"));
  EXPECT_NE(fs::status(bundle->folder / "block.sh").permissions() & fs::perms::owner_exec,
            fs::perms::none);
  EXPECT_EQ(Make(Order())->name(), bundle->name());
  BundleOrder other = Order();
  other.config.blendload = Program("another-blendload", "exit 1\n");
  EXPECT_NE(Make(other)->name(), bundle->name());
}

TEST_F(BundleTest, TakesTheImagesAlongOnDemand) {
  BundleOrder order = Order();
  order.images_inside = true;
  const auto bundle = Make(order);
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_EQ(bundle->images_folder, bundle->folder / "images");
  EXPECT_EQ(*ReadFile(bundle->images_folder / "system"), "system");
  const auto taken = LoadImages(bundle->images_folder);
  ASSERT_TRUE(taken) << taken.error().message;
  const auto names = std::views::keys(taken->files);
  EXPECT_THAT(std::vector(names.begin(), names.end()),
              ElementsAre("app", "initramfs", "kernel", "system", "system_next", "user"))
      << "no more than its arms need";
}

TEST_F(BundleTest, WithoutWhatABlockNeedsThereIsNone) {
  BundleOrder order = Order();
  order.config.blendload = "/nowhere/blendload";
  EXPECT_THAT(Make(order).error().message, HasSubstr("build the target blendload"));
  order = Order();
  order.config.images = "/nowhere";
  EXPECT_THAT(Make(order).error().message, HasSubstr("no guest images"));
  EXPECT_FALSE(fs::exists(RunDir() / "bundle.new"));
  order = Order();
  order.config.blendfs = "/nowhere/blendfs";  // is an engine that is missing, as anywhere
  EXPECT_EQ(Make(order)->DigestOf("bin/blendfs"), "");
}

TEST_F(BundleTest, DamageIsNamed) {
  const Bundle bundle = *Make(Order());
  ASSERT_TRUE(OpenBundle(bundle.folder));
  EXPECT_TRUE(OpenBundle(bundle.folder.string() + "/"));
  std::ofstream(bundle.folder / "bin/blendload", std::ios::app) << "x";
  EXPECT_THAT(OpenBundle(bundle.folder).error().message,
              HasSubstr("bin/blendload: its digest is not the bundle's"));
  fs::remove(bundle.folder / "bin/blendload");
  EXPECT_THAT(OpenBundle(bundle.folder).error().message, HasSubstr("cannot be read"));
  const Bundle again = *Make(Order());
  std::ofstream(again.folder / "BUNDLE.json", std::ios::app) << " ";
  EXPECT_THAT(OpenBundle(again.folder).error().message,
              HasSubstr("not the one the folder is named"));
  EXPECT_THAT(OpenBundle(folder_.path()).error().message, HasSubstr("no bundle of blendbench"));
  EXPECT_EQ(CallBlendbench({"block", "0", "--check", "--bundle", again.folder.string()}).status, 3);
}

TEST_F(BundleTest, ASecondWorkerOfABlockWaitsAndIsTurnedAway) {
  const fs::path file = folder_.path() / "b000.lock";
  auto first = BlockLock::Take(file, "process 1 of node-a", 0, interrupt_);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = BlockLock::Take(file, "process 2 of node-b", 0.3, interrupt_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ExitCode::kEnvironment);
  EXPECT_THAT(second.error().message, HasSubstr("process 1 of node-a works on this block"));
  { const BlockLock gone = std::move(*first); }
  EXPECT_TRUE(BlockLock::Take(file, "process 3", 0, interrupt_));
}

// What a task does that finds a block that is done, or that another machine has begun.
TEST_F(BundleTest, ATaskContinuesItsOwnMachinesBlockAlone) {
  const Bundle bundle = *Make(Order());
  RecordingProgress progress;
  BlockOrder order;
  order.results = folder_.path() / "blocks";
  order.qemu = "/nowhere/qemu";  // whatever has to be measured ends here
  LeaveBlock(bundle, order.results, 0, SamplesOf(bundle, 0, kMachineA));
  const auto done = DoBlock(bundle, order, progress, interrupt_);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->done, 3);
  EXPECT_EQ(done->steps, 3);

  std::vector<Sample> begun = SamplesOf(bundle, 1, kMachineB);
  begun.pop_back();
  LeaveBlock(bundle, order.results, 1, begun, false);
  order.block = 1;
  EXPECT_THAT(DoBlock(bundle, order, progress, interrupt_).error().message,
              HasSubstr("/nowhere/qemu"));
  EXPECT_THAT(progress.notes, ElementsAre(HasSubstr("2 samples of another machine (bbbb")));
  const fs::path folder = order.results / "b001";
  EXPECT_EQ(ReadBlock(order.results, 1)->samples.size(), 0u);
  EXPECT_THAT(*ReadFile(folder / "samples.aside-1.jsonl"), HasSubstr(kMachineB));
  EXPECT_TRUE(fs::exists(folder / "environment.aside-1.json"));

  order.block = kBlocks;
  EXPECT_EQ(DoBlock(bundle, order, progress, interrupt_).error().code, ExitCode::kUsage);
  order.block = 2;  // a folder that has another plan's block
  fs::create_directories(order.results / "b002");
  std::ofstream(order.results / "b002" / "plan.json") << "{}";
  EXPECT_THAT(DoBlock(bundle, order, progress, interrupt_).error().message,
              HasSubstr("a block of another plan"));
}

}  // namespace
}  // namespace blendbench
