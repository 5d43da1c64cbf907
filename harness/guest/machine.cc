// SPDX-License-Identifier: MIT
#include "harness/guest/machine.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr const char* kDiskLimit = "disk-limit";
constexpr const char* kRootTag = "root";

// "SERIAL=app0,SERIAL=app1": the disks above the system's, top first.
std::string AppSerials(const Arm& arm) {
  std::string list;
  const int apps = arm.layout == Layout::kBlock ? 0 : arm.guest.layers - 1;
  for (int app = 0; app < apps; ++app)
    list += (app == 0 ? "SERIAL=app" : ",SERIAL=app") + std::to_string(app);
  return list;
}

// A chardev over an inherited socket: nothing in the file system that another user could reach.
std::string SocketChardev(const std::string& id, int fd) {
  return "socket,id=" + id + ",fd=" + std::to_string(fd);
}

nlohmann::json FileNode(const std::string& path, const MachineSpec& spec) {
  nlohmann::json node{{"driver", "file"}, {"filename", path}, {"aio", "threads"}};
  node["cache"] = {{"direct", spec.direct_io}, {"no-flush", false}};
  return node;
}

// The raw image of a disk, or its part.
nlohmann::json ImageNode(const Disk& disk, const MachineSpec& spec) {
  nlohmann::json file = FileNode(disk.image, spec);
  file["read-only"] = true;
  nlohmann::json node{{"driver", "raw"},
                      {"read-only", true},
                      {"cache", file.at("cache")},
                      {"file", std::move(file)}};
  if (disk.bytes > 0) {
    node["offset"] = disk.offset;
    node["size"] = disk.bytes;
  }
  return node;
}

// A qcow2 file over what lies below it.
nlohmann::json OverlayNode(const std::string& path, bool read_only, nlohmann::json below,
                           const MachineSpec& spec) {
  nlohmann::json file = FileNode(path, spec);
  file["discard"] = "unmap";
  if (read_only) file["read-only"] = true;
  return {{"driver", "qcow2"},         {"read-only", read_only},  {"discard", "unmap"},
          {"cache", file.at("cache")}, {"file", std::move(file)}, {"backing", std::move(below)}};
}

bool LimitsDisks(const MachineSpec& spec) { return spec.disk_mbps > 0 || spec.disk_iops > 0; }

// JSON rather than key=value: a comma in a path needs no escaping.
nlohmann::json DiskNode(const Disk& disk, const MachineSpec& spec) {
  nlohmann::json node = ImageNode(disk, spec);
  if (!disk.overlay.empty()) node = OverlayNode(disk.overlay, true, std::move(node), spec);
  if (!disk.clone.empty()) node = OverlayNode(disk.clone, disk.read_only, std::move(node), spec);
  node["node-name"] = disk.serial;
  if (!LimitsDisks(spec)) return node;
  node["node-name"] = disk.serial + "-image";
  return {{"driver", "throttle"},        {"node-name", disk.serial}, {"throttle-group", kDiskLimit},
          {"read-only", disk.read_only}, {"discard", "unmap"},       {"file", std::move(node)}};
}

nlohmann::json DiskLimit(const MachineSpec& spec) {
  nlohmann::json limits = nlohmann::json::object();
  if (spec.disk_mbps > 0) limits["bps-total"] = static_cast<int64_t>(spec.disk_mbps * 1e6);
  if (spec.disk_iops > 0) limits["iops-total"] = spec.disk_iops;
  return {{"qom-type", "throttle-group"}, {"id", kDiskLimit}, {"limits", std::move(limits)}};
}

// More disks than the bus has places share one by eights, as functions of one device. The first ones stay alone, so that
// a guest of few disks is the same whatever others have.
constexpr size_t kDisksAlone = 8;
constexpr size_t kFirstShared = 0x10;
constexpr size_t kFunctions = 8;

nlohmann::json DiskDevice(const Disk& disk, size_t number) {
  nlohmann::json device{{"driver", "virtio-blk-pci"},
                        {"id", DiskDeviceId(disk.serial)},
                        {"drive", disk.serial},
                        {"serial", disk.serial}};
  if (number < kDisksAlone) return device;
  const size_t place = number - kDisksAlone;
  device["addr"] = fmt::format("{:x}.{}", kFirstShared + place / kFunctions, place % kFunctions);
  device["multifunction"] = true;
  return device;
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
  if (LimitsDisks(spec)) add({"-object", DiskLimit(spec).dump()});
  size_t number = 0;
  for (const Disk& disk : spec.disks) {
    if (disk.exported) continue;
    add({"-blockdev", DiskNode(disk, spec).dump(), "-device", DiskDevice(disk, number++).dump()});
  }
  if (!spec.root_socket.empty()) {
    // The daemon reads and writes the guest's memory, so that has to be a file which both map.
    add({"-object",
         "memory-backend-memfd,id=memory,share=on,size=" + std::to_string(spec.memory_mib) + "M"});
    add({"-machine", "memory-backend=memory"});
    const nlohmann::json device{{"driver", "vhost-user-fs-pci"},
                                {"chardev", "root"},
                                {"tag", kRootTag},
                                {"queue-size", 1024}};
    add({"-chardev", "socket,id=root,path=" + spec.root_socket, "-device", device.dump()});
  }
  add({"-kernel", spec.kernel, "-initrd", spec.initramfs, "-append", spec.command_line});
  return arguments;
}

std::string KernelCommandLine(const Arm& arm, const GuestSettings& settings) {
  std::string line = "blend.layout=" + LayoutName(arm.layout);
  auto add = [&line](const std::string& word) { line += " " + word; };
  const bool exported = arm.engine == kExportEngine;
  add(exported ? std::string("blend.system=TAG=") + kRootTag : "blend.system=SERIAL=system");
  if (!arm.engine.empty()) add("blend.engine=" + arm.engine);
  const bool user_disk = arm.layout != Layout::kMonolithic && arm.engine != kChainEngine;
  if (user_disk && !exported) {
    add("blend.user=SERIAL=user");
    const std::string apps = AppSerials(arm);
    if (!apps.empty()) add("blend.app=" + apps);
  }
  if (!arm.guest.user_at.empty()) add("blend.user_at=" + arm.guest.user_at);
  if (arm.layout == Layout::kFine && !exported && !arm.engine_options.empty())
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
