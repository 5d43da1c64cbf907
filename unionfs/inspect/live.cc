// SPDX-License-Identifier: MIT
#include "unionfs/inspect/live.h"

#include <fcntl.h>

#include <array>

#include "unionfs/inspect/look.h"
#include "unionfs/sys/filesystem.h"

namespace blendfs::inspect {
namespace {

// The second is that of a mount with userxattr.
constexpr std::array<const char*, 2> kPrefixes = {"trusted.blendfs.", "user.blendfs."};

std::string NotOurs(const std::string& mount_point) {
  return mount_point +
         ": no blendfs answers here: give the mount point itself, and be root or who mounted it";
}

Result<UniqueFd> OpenRoot(const std::string& mount_point, std::string* problem) {
  auto root = sys::OpenGiven(mount_point.c_str(), O_RDONLY | O_DIRECTORY);
  if (!root) *problem = mount_point + ": " + Reason(root.error());
  return root;
}

}  // namespace

Result<Figures> ReadFigures(sys::Calls& os, const std::string& mount_point, std::string* problem) {
  BLENDFS_ASSIGN(const UniqueFd root, OpenRoot(mount_point, problem));
  for (const char* prefix : kPrefixes) {
    const auto lines = os.GetXattrFd(root.borrow(), (std::string(prefix) + "statistics").c_str());
    if (lines) return ParseFigures(*lines);
  }
  *problem = NotOurs(mount_point);
  return Fail(ENODATA, "statistics of a mount");
}

Status SetMountLogLevel(sys::Calls& os, const std::string& mount_point, const std::string& level,
                        std::string* problem) {
  BLENDFS_ASSIGN(const UniqueFd root, OpenRoot(mount_point, problem));
  for (const char* prefix : kPrefixes) {
    // Asked first: elsewhere it would become an attribute like any other.
    const std::string key = std::string(prefix) + "log_level";
    if (!os.GetXattrFd(root.borrow(), key.c_str())) continue;
    auto set = os.SetXattrFd(root.borrow(), key.c_str(), level, 0);
    if (!set) *problem = mount_point + ": the log level '" + level + "': " + Reason(set.error());
    return set;
  }
  *problem = NotOurs(mount_point);
  return Fail(ENODATA, "log level of a mount");
}

}  // namespace blendfs::inspect
