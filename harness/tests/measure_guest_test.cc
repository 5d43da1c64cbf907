// SPDX-License-Identifier: MIT
// What is made of a guest's counted instructions and of its units, whatever it sends; and of the kernel's greeting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <set>

#include "harness/host/fuse_probe.h"
#include "harness/measure/diagnosis.h"
#include "harness/measure/engine_initramfs.h"
#include "harness/measure/guest_programs.h"
#include "harness/measure/instructions.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Instructions, AreTheClockLessWhatTheGuestIdled) {
  const auto readings = ParseReadings(
      "now at 4447063550 nsecs\n  .idle_sleeptime : 8596713 nsecs\n  .iowait_sleeptime: 220133672 "
      "nsecs\n"
      "now at 5262818518 nsecs\n  .idle_sleeptime : 8596713 nsecs\n  .iowait_sleeptime: 962836281 "
      "nsecs\n");
  ASSERT_TRUE(readings) << readings.error();
  EXPECT_THAT(*readings, ElementsAre(4218333165, 4291385524));
}

TEST(EngineLibraries, AreThePathsThatLddNames) {
  const auto found = LibrariesOf(
      "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibfuse3.so.3 => /lib/x86_64-linux-gnu/libfuse3.so.3 "
      "(0x00007f1a)\n"
      "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f19)\n\t/lib64/ld-linux-x86-64.so.2 "
      "(0x00007f1b)\n");
  ASSERT_TRUE(found) << found.error();
  EXPECT_THAT(*found, testing::ElementsAre("/lib/x86_64-linux-gnu/libfuse3.so.3",
                                           "/lib/x86_64-linux-gnu/libc.so.6",
                                           "/lib64/ld-linux-x86-64.so.2"));
  EXPECT_THAT(LibrariesOf("\tlibgone.so.1 => not found\n").error(), testing::HasSubstr("libgone"));
}

TEST(RootMountOrder, IsWhereTheInitramfsMountsTheLayers) {
  const MountOrder order = RootMountOrder("a,b");
  EXPECT_THAT(order.lowers, testing::ElementsAre("/run/blend/app0", "/run/blend/system"));
  EXPECT_EQ(order.upper, "/run/blend/user/upper");
  EXPECT_EQ(order.work, "/run/blend/user/work");
  for (const EngineDescriptor& engine : BuiltInEngines()) {
    if (engine.name != "unionfs-fuse") continue;
    // It changes its root to the folder of the images, so it gets the layers as they are in there.
    EXPECT_THAT(
        *RootMountCommand(engine, order),
        testing::ElementsAre("unionfs", "-o",
                             "cow,allow_other,default_permissions,suid,dev,chroot=/run/blend,a,b",
                             "/user/upper=RW:/app0=RO:/system=RO", "/sysroot"));
  }
}

TEST(Instructions, NonsenseIsRefused) {
  for (const char* text :
       {"", "hello\n", "  .idle_sleeptime : 5 nsecs\n", "now at 99999999999999999999999 nsecs\n",
        "now at 10 nsecs\n .idle_sleeptime : 11 nsecs\n"})
    EXPECT_FALSE(ParseReadings(text)) << text;
}

TEST(Instructions, LoadsHaveMetricsOfTheirOwn) {
  std::set<std::string> ids;
  for (const GuestLoad& load : GuestLoads()) ids.insert(LoadMetricId(load));
  EXPECT_EQ(ids.size(), GuestLoads().size());
  EXPECT_EQ(ids.count("load.walk_minsn"), 1u);
}

TEST(GuestPrograms, RoundsAreTimedByTheGuestAndDoubted) {
  const auto rounds =
      ParseRounds("1700000000.000000 1700000001.500000\n1700000002.25 1700000002.5\n", 2, 2.0);
  ASSERT_TRUE(rounds) << rounds.error();
  EXPECT_THAT(*rounds,
              ElementsAre(testing::DoubleNear(1.5, 1e-6), testing::DoubleNear(0.25, 1e-6)));
  EXPECT_THAT(ParseRounds("1 2\n", 1, 0.5).error(), HasSubstr("the guest's clock is wrong"));
  EXPECT_THAT(ParseRounds("2 1\n", 1, 5).error(), HasSubstr("went backwards"));
  EXPECT_THAT(ParseRounds("2 2\n", 1, 5).error(), HasSubstr("went backwards"));
  for (const char* text : {"", "1\n", "1 2\n3 4\n", "1 2 x", "nan nan\n", "one two\n", "1,5 2,5\n"})
    EXPECT_FALSE(ParseRounds(text, 1, 100)) << text;
}

TEST(GuestPrograms, AScriptThatIsNotThereIsNamed) {
  const TemporaryFolder folder;
  const auto missing = ReadScripts({"unpack"}, folder.path());
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("unpack.sh"));
  std::ofstream(folder.path() / "find.sh") << "text";
  const auto texts = ReadScripts({"find-cold", "find-warm"}, folder.path());
  ASSERT_TRUE(texts) << texts.error().message;
  EXPECT_EQ(*texts, (ScriptTexts{{"find.sh", "text"}}));
}

TEST(Blame, IsReadInEveryUnit) {
  const auto units = ParseBlame(
      "       1min 2.500s slow.service\n"
      "            890ms a.mount\n"
      "             1.2s dev-vda.device\n"
      "            120us fast.service\n"
      "Bootup is not yet finished\n"
      "  12 nothing\n");
  ASSERT_EQ(units.size(), 4u);
  EXPECT_EQ(units[0].unit, "slow.service");
  EXPECT_DOUBLE_EQ(units[0].seconds, 62.5);
  EXPECT_EQ(units[1].unit, "dev-vda.device");
  EXPECT_DOUBLE_EQ(units[1].seconds, 1.2);
  EXPECT_DOUBLE_EQ(units[2].seconds, 0.89);
  EXPECT_NEAR(units[3].seconds, 120e-6, 1e-12);
}

TEST(Blame, HostileOutputIsBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "1s " + std::string(400, 'u') + ".service\n";
  const auto units = ParseBlame(text + "\x1b[2J1s x.service\n", 5);
  ASSERT_EQ(units.size(), 5u);
  EXPECT_LE(units[0].unit.size(), 120u);
}

std::vector<unsigned char> Greeting(uint32_t opcode, uint32_t flags, uint32_t flags2) {
  const uint32_t words[] = {104, opcode, 1, 0, 0, 0, 0, 0, 0, 0, 7, 41, 131072, flags, flags2};
  std::vector<unsigned char> bytes(104);
  std::memcpy(bytes.data(), words, sizeof words);
  return bytes;
}

TEST(FuseGreeting, TellsVersionAndPassthrough) {
  const auto with = Greeting(26, 1U << 30, 1U << 5);
  const auto offer = ParseGreeting(with.data(), with.size());
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->major, 7);
  EXPECT_EQ(offer->minor, 41);
  EXPECT_TRUE(offer->passthrough);
  const auto without = Greeting(26, 1U << 30, 0xFFFFFFDF);
  EXPECT_FALSE(ParseGreeting(without.data(), without.size())->passthrough);
  // Without the flag that says so, the second word is not flags.
  const auto old = Greeting(26, 0, 0xFFFFFFFF);
  EXPECT_FALSE(ParseGreeting(old.data(), old.size())->passthrough);
  const auto other = Greeting(1, 1U << 30, 1U << 5);
  EXPECT_FALSE(ParseGreeting(other.data(), other.size()));
  EXPECT_FALSE(ParseGreeting(with.data(), 50));
}

}  // namespace
}  // namespace blendbench
