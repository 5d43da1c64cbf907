// SPDX-License-Identifier: MIT
// What a guest is made of and the QEMU argument list that makes it. Pure: nothing is started here.
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/spec/experiment.h"

namespace blendbench {

// kIcount: emulated, with a clock that counts instructions (1 ns each) and skips what the guest idles.
enum class Substrate { kKvm, kTcg, kIcount };
const char* SubstrateName(Substrate substrate);  // "kvm", "tcg", "icount"
// By its name; nullopt for any other.
std::optional<Substrate> SubstrateFromName(const std::string& name);

// One disk of a guest: a private copy-on-write clone of an image, or a read-only part of one.
struct Disk {
  std::string serial;   // what the guest knows it by: "system", "app0", "user"
  std::string clone;    // qcow2, absolute path; "" for a disk that is only read: the image itself
  std::string overlay;  // qcow2 between clone and image; "" for none
  std::string image;    // the raw image below; opened read-only
  bool read_only = false;
  // The part of the image that is the disk; 0 bytes: all of it. Only without a clone.
  uint64_t offset = 0;
  uint64_t bytes = 0;
  // Not given to the guest as a disk: the host merges and exports it. The clone is a raw copy then.
  bool exported = false;
};

struct MachineSpec {
  std::string qemu = "qemu-system-x86_64";
  Substrate substrate = Substrate::kTcg;
  int memory_mib = 768;
  int cpus = 1;
  std::string kernel;
  std::string initramfs;
  std::string command_line;
  std::vector<Disk> disks;
  double disk_mbps = 0;     // all disks together; 0: no limit
  int disk_iops = 0;        // likewise
  std::string root_socket;  // of a daemon that serves the root by virtiofs; "" for none
  bool direct_io = true;  // past the host's page cache; off where the file system refuses O_DIRECT
};

// Sockets QEMU inherits.
struct MachineFds {
  int qmp = -1;
  int agent = -1;
  int markers = -1;
  int console = -1;
};

std::vector<std::string> MachineArguments(const MachineSpec& spec, const MachineFds& fds);

// The kernel's command line for an arm; the parameters are the contract in ARCHITECTURE.md.
std::string KernelCommandLine(const Arm& arm, const GuestSettings& settings);

// "bytes" of a guest's disk as id of its device: "disk-system".
std::string DiskDeviceId(const std::string& serial);

}  // namespace blendbench
