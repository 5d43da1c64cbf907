// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "harness/guest/block_stats.h"
#include "harness/guest/machine.h"

namespace blendbench {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

MachineSpec Spec() {
  MachineSpec spec;
  spec.kernel = "/images/vmlinuz";
  spec.initramfs = "/images/initramfs.img";
  spec.command_line = "quiet";
  spec.disks = {
      {.serial = "system",
       .clone = "/run/a,b.qcow2",
       .overlay = "",
       .image = "/images/system.ext4",
       .read_only = true},
      {.serial = "user", .clone = "/run/user.qcow2", .overlay = "", .image = "/images/user.ext4"}};
  return spec;
}

std::vector<json> After(const std::vector<std::string>& arguments, const std::string& option) {
  std::vector<json> found;
  for (size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == option) found.push_back(json::parse(arguments[i + 1], nullptr, false));
  return found;
}

TEST(Machine, StartsStoppedWithInheritedSockets) {
  const auto arguments =
      MachineArguments(Spec(), {.qmp = 11, .agent = 12, .markers = 13, .console = 14});
  EXPECT_THAT(arguments, Contains("-S"));
  EXPECT_THAT(arguments, Contains("-nodefaults"));
  EXPECT_THAT(arguments, Contains("socket,id=qmp,fd=11"));
  EXPECT_THAT(arguments, Contains("socket,id=agent,fd=12"));
  EXPECT_THAT(arguments, Contains("socket,id=markers,fd=13"));
  EXPECT_THAT(arguments, Contains("socket,id=console,fd=14"));
}

TEST(Machine, ASharedDiskIsReadOnlyThroughout) {
  const std::vector<json> nodes = After(MachineArguments(Spec(), {}), "-blockdev");
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0]["read-only"], true);
  EXPECT_EQ(nodes[0]["file"]["read-only"], true);
  EXPECT_EQ(nodes[0]["file"]["filename"], "/run/a,b.qcow2");
  EXPECT_EQ(nodes[1]["read-only"], false);
  // Whatever the guest may write to, the image beneath is never writable.
  for (const json& node : nodes) {
    EXPECT_EQ(node["backing"]["read-only"], true);
    EXPECT_EQ(node["backing"]["file"]["read-only"], true);
    EXPECT_EQ(node["backing"]["driver"], "raw");
  }
}

TEST(Machine, AcceleratorsDifferAndNothingElse) {
  MachineSpec kvm = Spec();
  kvm.substrate = Substrate::kKvm;
  auto on_kvm = MachineArguments(kvm, {});
  auto on_tcg = MachineArguments(Spec(), {});
  ASSERT_EQ(on_kvm.size(), on_tcg.size());
  EXPECT_THAT(on_kvm, Contains("kvm"));
  EXPECT_THAT(on_tcg, Contains("tcg,thread=multi"));
  int differences = 0;
  for (size_t i = 0; i < on_kvm.size(); ++i) differences += on_kvm[i] != on_tcg[i];
  EXPECT_EQ(differences, 2);
}

TEST(Machine, InstructionsAreCountedOnOneThreadWithAClockOfTheirOwn) {
  MachineSpec spec = Spec();
  spec.substrate = Substrate::kIcount;
  const auto arguments = MachineArguments(spec, {});
  EXPECT_THAT(arguments, Contains("tcg,thread=single"));
  EXPECT_THAT(arguments, Contains("shift=0,sleep=off"));
  EXPECT_THAT(arguments, Contains(HasSubstr("clock=vm")));
  for (const Substrate substrate : {Substrate::kKvm, Substrate::kTcg, Substrate::kIcount})
    EXPECT_EQ(SubstrateFromName(SubstrateName(substrate)), substrate);
  EXPECT_FALSE(SubstrateFromName("host"));
}

TEST(Machine, AnOverlayLiesBetweenCloneAndImage) {
  MachineSpec spec = Spec();
  spec.disks[1].overlay = "/images/user.qcow2";
  const json node = After(MachineArguments(spec, {}), "-blockdev")[1];
  EXPECT_EQ(node["file"]["filename"], "/run/user.qcow2");
  EXPECT_EQ(node["read-only"], false);
  const json overlay = node["backing"];
  EXPECT_EQ(overlay["driver"], "qcow2");
  EXPECT_EQ(overlay["file"]["filename"], "/images/user.qcow2");
  EXPECT_EQ(overlay["read-only"], true);
  EXPECT_EQ(overlay["file"]["read-only"], true);
  EXPECT_EQ(overlay["backing"]["driver"], "raw");
}

TEST(Machine, PartsOfAnImageAreDisksThatShareThePlacesOfTheBus) {
  MachineSpec spec = Spec();
  constexpr uint64_t kPart = 1 << 20;
  for (uint64_t part = 0; part < 62; ++part)
    spec.disks.push_back({.serial = "app" + std::to_string(part + 1),
                          .clone = "",
                          .overlay = "",
                          .image = "/images/layers.img",
                          .read_only = true,
                          .offset = part * kPart,
                          .bytes = kPart});
  const auto arguments = MachineArguments(spec, {});
  const std::vector<json> nodes = After(arguments, "-blockdev");
  ASSERT_EQ(nodes.size(), 64u);
  EXPECT_EQ(nodes[3]["driver"], "raw");
  EXPECT_EQ(nodes[3]["offset"], kPart);
  EXPECT_EQ(nodes[3]["size"], kPart);
  EXPECT_EQ(nodes[3]["node-name"], "app2");
  std::set<std::string> places;
  for (const json& device : After(arguments, "-device"))
    if (device.is_object() && device.contains("addr")) {
      EXPECT_TRUE(places.insert(device["addr"]).second) << device["addr"];
      EXPECT_EQ(device["multifunction"], true);
    }
  EXPECT_EQ(places.size(), 56u);  // the first eight disks have places of their own
}

TEST(Machine, AnExportedRootHasASocketAndSharedMemory) {
  MachineSpec spec = Spec();
  for (Disk& disk : spec.disks) disk.exported = true;
  spec.root_socket = "/run/root.sock";
  const auto arguments = MachineArguments(spec, {});
  EXPECT_TRUE(After(arguments, "-blockdev").empty());
  EXPECT_THAT(arguments, Contains("socket,id=root,path=/run/root.sock"));
  EXPECT_THAT(arguments, Contains("memory-backend=memory"));
  EXPECT_THAT(arguments, Contains(HasSubstr("share=on,size=768M")));
}

TEST(Machine, ADiskLimitHoldsAllDisksTogether) {
  MachineSpec spec = Spec();
  EXPECT_THAT(MachineArguments(spec, {}), Not(Contains("-object throttle-group")));
  spec.disk_mbps = 36.5;
  const auto arguments = MachineArguments(spec, {});
  EXPECT_THAT(arguments, Contains(HasSubstr(R"("bps-total":36500000)")));
  size_t throttled = 0;
  for (const std::string& argument : arguments) {
    if (argument.rfind("{\"", 0) != 0) continue;
    const json node = json::parse(argument);
    if (node.value("driver", "") != "throttle") continue;
    ++throttled;
    EXPECT_EQ(node["throttle-group"], "disk-limit");
    EXPECT_EQ(node["file"]["driver"], "qcow2");
    EXPECT_NE(node["file"]["node-name"], node["node-name"]);
    EXPECT_EQ(node["read-only"], node["file"]["read-only"]);
  }
  EXPECT_EQ(throttled, spec.disks.size());
  spec.disk_iops = 400;
  EXPECT_THAT(MachineArguments(spec, {}), Contains(HasSubstr(R"("iops-total":400)")));
}

TEST(CommandLine, AHandicapOfTheBootIsAUnit) {
  Arm arm;
  EXPECT_THAT(KernelCommandLine(arm, {}), Not(HasSubstr("blendbench-handicap")));
  arm.handicap.boot_delay_s = 0.25;
  const std::string line = KernelCommandLine(arm, {});
  EXPECT_THAT(line, HasSubstr("systemd.wants=blendbench-handicap.service"));
  EXPECT_THAT(line, HasSubstr("systemd.set_credential_binary=systemd.extra-unit."));
  EXPECT_LT(line.size(), 1500u);  // the kernel takes 2048 bytes
  EXPECT_THAT(BootUnitText(arm.handicap), HasSubstr("/bin/sleep 0.250\n"));
  arm.handicap = {.boot_work = 1234};
  EXPECT_THAT(BootUnitText(arm.handicap), HasSubstr("-lt 1234 ]"));
}

TEST(CommandLine, FineNamesEngineAndLayers) {
  Arm arm;
  arm.layout = Layout::kFine;
  arm.engine = "blendfs";
  arm.engine_options = "threads=2,writeback";
  arm.guest.layers = 3;
  const std::string line = KernelCommandLine(arm, {});
  EXPECT_THAT(line, HasSubstr("blend.layout=fine blend.system=SERIAL=system blend.engine=blendfs"));
  EXPECT_THAT(line, HasSubstr("blend.app=SERIAL=app0,SERIAL=app1"));
  EXPECT_THAT(line, HasSubstr("blend.user=SERIAL=user"));
  EXPECT_THAT(line, HasSubstr("blend.opts=threads=2,writeback"));
}

TEST(CommandLine, MonolithicHasOneDiskAndNoEngine) {
  Arm arm;
  arm.layout = Layout::kMonolithic;
  arm.engine_options = "ignored";
  const std::string line = KernelCommandLine(arm, {});
  EXPECT_THAT(line, HasSubstr("blend.layout=monolithic"));
  for (const char* absent : {"blend.user", "blend.app", "blend.engine", "blend.opts"})
    EXPECT_THAT(line, Not(HasSubstr(absent)));
}

TEST(CommandLine, BlockLayoutsNameTheirEngineAndNoApplication) {
  Arm arm;
  arm.layout = Layout::kBlock;
  arm.engine = kChainEngine;
  EXPECT_THAT(KernelCommandLine(arm, {}),
              HasSubstr("blend.layout=block blend.system=SERIAL=system blend.engine=qcow2"));
  EXPECT_THAT(KernelCommandLine(arm, {}), Not(HasSubstr("blend.user")));
  arm.engine = "dm-snapshot";
  EXPECT_THAT(KernelCommandLine(arm, {}), HasSubstr("blend.user=SERIAL=user"));
  EXPECT_THAT(KernelCommandLine(arm, {}), Not(HasSubstr("blend.app")));
}

TEST(CommandLine, AMergeOfTheHostHasATagAndNoDisks) {
  Arm arm;
  arm.layout = Layout::kFine;
  arm.engine = kExportEngine;
  const std::string line = KernelCommandLine(arm, {});
  EXPECT_THAT(line, HasSubstr("blend.system=TAG=root blend.engine=virtiofs"));
  for (const char* absent : {"blend.user", "blend.app", "blend.opts"})
    EXPECT_THAT(line, Not(HasSubstr(absent)));
}

TEST(CommandLine, TakesAsManyLayersAsThereMayBe) {
  Arm arm;
  arm.layout = Layout::kFine;
  arm.engine = "blendfs";
  arm.guest.layers = kMostGuestLayers;
  const std::string line = KernelCommandLine(arm, {});
  EXPECT_THAT(line, HasSubstr(",SERIAL=app62 "));
  EXPECT_LT(line.size(), 2048u);  // what the kernel takes
}

TEST(CommandLine, ConsoleModeIsTheSameForEveryArm) {
  Arm coarse;
  Arm fine;
  fine.layout = Layout::kFine;
  GuestSettings serial;
  serial.console = "serial";
  for (const Arm& arm : {coarse, fine}) {
    EXPECT_THAT(KernelCommandLine(arm, {}), HasSubstr("console=ttyS0"));
    EXPECT_THAT(KernelCommandLine(arm, {}), HasSubstr(" quiet "));
    EXPECT_THAT(KernelCommandLine(arm, serial), Not(HasSubstr("quiet")));
  }
}

TEST(BlockStats, AreFoundByTheDisksSerial) {
  const json stats{{"rd_bytes", 10},
                   {"wr_bytes", 20},
                   {"rd_operations", 1},
                   {"wr_operations", 2},
                   {"flush_operations", 3}};
  const json reply{{{"qdev", "/machine/peripheral/disk-user/virtio-backend"}, {"stats", stats}},
                   {{"qdev", "/machine/unattached/device[3]"}, {"stats", stats}},
                   {{"node-name", "user"}, {"stats", stats}}};
  Outcome<BlockStats> parsed = ParseBlockStats(reply);
  ASSERT_TRUE(parsed) << parsed.error();
  ASSERT_EQ(parsed->size(), 1u);
  EXPECT_EQ((*parsed)["user"].written_bytes, 20);
  BlockStats later = *parsed;
  later["user"].written_bytes = 50;
  EXPECT_EQ(Difference(later, *parsed)["user"].written_bytes, 30);
  EXPECT_EQ(Sum(later).written_bytes, 50);
}

TEST(BlockStats, AMissingNumberIsAnError) {
  const json reply{{{"qdev", "/machine/peripheral/disk-user/x"}, {"stats", {{"rd_bytes", 1}}}}};
  EXPECT_FALSE(ParseBlockStats(reply));
  EXPECT_FALSE(ParseBlockStats(json{{"a", 1}}));
}

}  // namespace
}  // namespace blendbench
