// SPDX-License-Identifier: MIT
#include "harness/guest/machine.h"

#include <nlohmann/json.hpp>

#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr const char* kDiskLimit = "disk-limit";

// A chardev over an inherited socket: nothing in the file system that another user could reach.
std::string SocketChardev(const std::string& id, int fd) {
  return "socket,id=" + id + ",fd=" + std::to_string(fd);
}

nlohmann::json FileNode(const std::string& path, const MachineSpec& spec) {
  nlohmann::json node{{"driver", "file"}, {"filename", path}, {"aio", "threads"}};
  node["cache"] = {{"direct", spec.direct_io}, {"no-flush", false}};
  return node;
}

// JSON rather than key=value: a comma in a path needs no escaping.
nlohmann::json DiskNode(const Disk& disk, const MachineSpec& spec) {
  const nlohmann::json cache{{"direct", spec.direct_io}, {"no-flush", false}};
  nlohmann::json image_file = FileNode(disk.image, spec);
  image_file["read-only"] = true;
  nlohmann::json file = FileNode(disk.clone, spec);
  file["discard"] = "unmap";
  if (disk.read_only) file["read-only"] = true;
  nlohmann::json node{
      {"driver", "qcow2"},
      {"node-name", disk.serial},
      {"read-only", disk.read_only},
      {"discard", "unmap"},
      {"cache", cache},
      {"file", file},
      {"backing",
       {{"driver", "raw"}, {"read-only", true}, {"cache", cache}, {"file", image_file}}}};
  if (spec.disk_mbps <= 0) return node;
  node["node-name"] = disk.serial + "-image";
  return {{"driver", "throttle"},        {"node-name", disk.serial}, {"throttle-group", kDiskLimit},
          {"read-only", disk.read_only}, {"discard", "unmap"},       {"file", std::move(node)}};
}

std::vector<std::string> AcceleratorArguments(Substrate substrate) {
  if (substrate == Substrate::kKvm) return {"-accel", "kvm", "-cpu", "host,migratable=no"};
  // One thread, a clock of instructions that does not wait for the host's, and a calendar that follows it, so
  // that a boot does the same work at any time on any host.
  if (substrate == Substrate::kIcount)
    return {"-accel",  "tcg,thread=single", "-cpu", "max",
            "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm"};
  return {"-accel", "tcg,thread=multi", "-cpu", "max"};
}

}  // namespace

const char* SubstrateName(Substrate substrate) {
  if (substrate == Substrate::kIcount) return "icount";
  return substrate == Substrate::kKvm ? "kvm" : "tcg";
}

std::optional<Substrate> SubstrateFromName(const std::string& name) {
  for (const Substrate substrate : {Substrate::kKvm, Substrate::kTcg, Substrate::kIcount})
    if (name == SubstrateName(substrate)) return substrate;
  return std::nullopt;
}

std::string DiskDeviceId(const std::string& serial) { return "disk-" + serial; }

std::vector<std::string> MachineArguments(const MachineSpec& spec, const MachineFds& fds) {
  std::vector<std::string> arguments{spec.qemu,     "-name",           "blendbench", "-S",
                                     "-nodefaults", "-no-user-config", "-display",   "none"};
  auto add = [&arguments](std::initializer_list<std::string> more) {
    arguments.insert(arguments.end(), more);
  };
  add({"-machine", "q35,hpet=off,vmport=off,smm=off,usb=off,sata=off,graphics=off"});
  for (std::string& argument : AcceleratorArguments(spec.substrate))
    arguments.push_back(std::move(argument));
  add({"-smp", std::to_string(spec.cpus), "-m", std::to_string(spec.memory_mib) + "M"});
  add({"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"});
  // A guest that powers off stays as a paused machine, so that its disks' statistics can be read to
  // the last byte; one that reboots ends.
  add({"-action", "reboot=shutdown,shutdown=pause,panic=pause"});
  add({"-chardev", SocketChardev("qmp", fds.qmp), "-mon", "chardev=qmp,mode=control"});
  add({"-chardev", SocketChardev("markers", fds.markers)});
  add({"-device", "isa-debugcon,iobase=0xe9,chardev=markers"});
  add({"-chardev", SocketChardev("console", fds.console), "-serial", "chardev:console"});
  add({"-device", "pvpanic"});
  add({"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"});
  add({"-device", "virtio-serial-pci,id=serial", "-chardev", SocketChardev("agent", fds.agent)});
  add({"-device", "virtserialport,bus=serial.0,chardev=agent,name=org.qemu.guest_agent.0"});
  if (spec.disk_mbps > 0) {
    const auto bytes = static_cast<int64_t>(spec.disk_mbps * 1e6);
    const nlohmann::json limit{
        {"qom-type", "throttle-group"}, {"id", kDiskLimit}, {"limits", {{"bps-total", bytes}}}};
    add({"-object", limit.dump()});
  }
  for (const Disk& disk : spec.disks) {
    const nlohmann::json device{{"driver", "virtio-blk-pci"},
                                {"id", DiskDeviceId(disk.serial)},
                                {"drive", disk.serial},
                                {"serial", disk.serial}};
    add({"-blockdev", DiskNode(disk, spec).dump(), "-device", device.dump()});
  }
  add({"-kernel", spec.kernel, "-initrd", spec.initramfs, "-append", spec.command_line});
  return arguments;
}

std::string KernelCommandLine(const Arm& arm, int apps, const GuestSettings& settings) {
  std::string line;
  auto add = [&line](const std::string& word) { line += (line.empty() ? "" : " ") + word; };
  switch (arm.layout) {
    case Layout::kMonolithic:
      add("blend.layout=monolithic");
      break;
    case Layout::kCoarse:
      add("blend.layout=coarse");
      break;
    case Layout::kFine:
      add("blend.layout=fine");
      break;
  }
  add("blend.system=SERIAL=system");
  if (arm.layout == Layout::kFine) add("blend.engine=" + arm.engine);
  if (arm.layout != Layout::kMonolithic) {
    add("blend.user=SERIAL=user");
    std::string list;
    for (int i = 0; i < apps; ++i)
      list += (i == 0 ? "SERIAL=app" : ",SERIAL=app") + std::to_string(i);
    if (apps > 0) add("blend.app=" + list);
  }
  if (arm.layout == Layout::kFine && !arm.engine_options.empty())
    add("blend.opts=" + arm.engine_options);
  if (arm.handicap.boot_delay_s > 0 || arm.handicap.boot_work > 0) {
    add(std::string("systemd.set_credential_binary=systemd.extra-unit.") + kBootUnit + ":" +
        Base64Encode(BootUnitText(arm.handicap)));
    add(std::string("systemd.wants=") + kBootUnit);
  }
  // In every mode the serial line is there, so that a panic leaves its words behind; "off" keeps a
  // boot that goes well silent, since each byte on it costs an exit to the host.
  add("console=ttyS0 panic=-1 systemd.getty_auto=0");
  add(settings.console == "serial" ? "systemd.show_status=1" : "quiet loglevel=2");
  return line;
}

}  // namespace blendbench
