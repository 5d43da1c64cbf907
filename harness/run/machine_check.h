// SPDX-License-Identifier: MIT
// Whether a machine has what a run needs, and what on it makes measurements noisy: each finding explained, with its remedy.
// Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace blendbench {

enum class Health { kGood, kPoor, kBad };  // kPoor: a run works, with less to show for it
const char* HealthName(Health health);     // "ok", "poor", "missing"

struct Finding {
  std::string what;
  Health health = Health::kGood;
  std::string detail;  // what is so
  std::string remedy;  // what to do about it; "" when good
};

struct MachineCheck {
  std::string images;  // "" leaves out the proof of KVM
  std::string runs_dir;
  std::string qemu;
  std::filesystem::path blendfs;
  std::filesystem::path root = "/";  // of /proc and /sys, for tests
};

// QEMU, images, KVM by a guest that boots, FUSE and what it offers, systemd-nspawn, blendfs, disk space.
std::vector<Finding> CheckPrograms(const MachineCheck& check);

// Governor, turbo, ASLR, KSM, clock source, steal and the load of others (half a second is watched), what a killed --tune left.
std::vector<Finding> CheckNoise(const MachineCheck& check);

}  // namespace blendbench
