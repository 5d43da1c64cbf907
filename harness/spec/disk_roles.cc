// SPDX-License-Identifier: MIT
#include "harness/spec/disk_roles.h"

#include <algorithm>

#include "harness/spec/program.h"

namespace blendbench {
namespace {

// The image of small application layers, one after the other.
constexpr const char* kLayersImage = "layers";

// The arm's own image for a role, or the usual one.
std::string ImageFor(const Arm& arm, const std::string& role, const std::string& usual) {
  const auto own = arm.guest.images.find(role);
  return own == arm.guest.images.end() ? usual : own->second;
}

// "system" -> "system_next", "system_erofs" -> "system_next_erofs".
std::string NextOf(const std::string& image) {
  const size_t form = std::min(image.find('_'), image.size());
  return image.substr(0, form) + "_next" + image.substr(form);
}

std::vector<DiskRole> CoarseRoles(const Arm& arm, const std::string& system) {
  const std::string user = arm.guest.user_at.empty() ? "user" : "home";
  return {{.serial = "system", .image = system},
          {.serial = "app0", .image = ImageFor(arm, "app", "app"), .read_only = true},
          {.serial = "user", .image = ImageFor(arm, "user", user), .per_user = true}};
}

std::vector<DiskRole> FineRoles(const Arm& arm, const std::string& system) {
  std::vector<DiskRole> roles = {{.serial = "system", .image = system, .read_only = true}};
  const int apps = arm.guest.layers - 1;
  if (apps > 0)
    roles.push_back({.serial = "app0", .image = ImageFor(arm, "app", "app"), .read_only = true});
  roles.push_back({.serial = "user", .image = ImageFor(arm, "user", "user"), .per_user = true});
  // Behind the disks that every guest has, so that those keep their places.
  for (int app = 1; app < apps; ++app)
    roles.push_back({.serial = "app" + std::to_string(app),
                     .image = kLayersImage,
                     .read_only = true,
                     .slice = app - 1});
  for (DiskRole& role : roles) role.exported = arm.engine == kExportEngine;
  return roles;
}

std::vector<DiskRole> BlockRoles(const Arm& arm, const std::string& base) {
  if (arm.engine == kChainEngine)
    return {{.serial = "system", .image = base, .overlay = ImageFor(arm, "overlay", "block_user")}};
  return {{.serial = "system", .image = base, .read_only = true},
          {.serial = "user", .image = ImageFor(arm, "user", "snapshot_user"), .per_user = true}};
}

}  // namespace

std::vector<DiskRole> DiskRoles(const Arm& arm, bool next_system) {
  const std::string usual = arm.layout == Layout::kMonolithic ? "monolithic"
                            : arm.layout == Layout::kBlock    ? "base"
                                                              : "system";
  std::string system = ImageFor(arm, "system", usual);
  if (next_system) system = NextOf(system);
  switch (arm.layout) {
    case Layout::kMonolithic:
      return {{.serial = "system", .image = system, .per_user = true}};
    case Layout::kCoarse:
      return CoarseRoles(arm, system);
    case Layout::kFine:
      return FineRoles(arm, system);
    case Layout::kBlock:
      return BlockRoles(arm, system);
  }
  return {};
}

bool HasSystemToExchange(const Arm& arm) { return arm.layout != Layout::kMonolithic; }

std::vector<std::string> ImagesOf(const HostCase& host_case) {
  if (IsBootCase(host_case)) return {"system", "app", "user", "monolithic"};
  const Program* program = IsProgramCase(host_case) ? ProgramById(host_case.id) : nullptr;
  if (program != nullptr && program->needs_data) return {"workloads"};
  return {};
}

std::set<std::string> ImagesOf(const Experiment& experiment) {
  std::set<std::string> names = {"kernel", "initramfs"};
  if (OnHost(experiment)) {
    for (const std::string& id : experiment.host.cases)
      if (const auto host_case = FindHostCase(id))
        for (std::string& name : ImagesOf(*host_case)) names.insert(std::move(name));
    return names;
  }
  for (const Arm& arm : experiment.arms) {
    std::vector<DiskRole> roles = DiskRoles(arm, false);
    if (experiment.upgrade && HasSystemToExchange(arm))
      for (DiskRole& role : DiskRoles(arm, true)) roles.push_back(std::move(role));
    for (const DiskRole& role : roles) {
      names.insert(role.image);
      if (!role.overlay.empty()) names.insert(role.overlay);
    }
  }
  return names;
}

}  // namespace blendbench
