// SPDX-License-Identifier: MIT
// The virtiofs daemon of this machine, and the options that make its export comparable with a union inside the
// guest. Thread-safety: functions without state.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace blendbench {

// On PATH, where distributions put it, or what setup/virtiofsd.sh has left in the cache, the newest. "" when there is
// none.
std::filesystem::path FindVirtiofsd();

// How long the guest believes what it has been told about names and attributes.
enum class ExportCache {
  // A second, then it asks again: the daemon's default, so what an export costs as it comes. It is right whoever else
  // changes the tree.
  kAuto,
  // For ever, as a union inside the guest does. It is right only where nobody but the guest changes the tree, as here.
  kAlways
};

// The daemon's command for one guest that has the root of `tree` as its own. Beside the defaults:
//   --posix-acl           and with it attributes: a system's root has both
//   --modcaps=+sys_admin  else the host refuses the guest's root `trusted.*`, which a disk of its own lets it set
//   --allow-direct-io     O_DIRECT goes past the host's page cache too, as it does on the disks of the other guests
//   --sandbox=chroot      the daemon cannot leave the tree. It is started in namespaces of its own; those of the default
//                         sandbox would hold the images mounted for a moment after its end.
// Left as they are: no file handles for inodes (overlayfs gives none without nfs_export, a descriptor each serves), no
// writeback cache (what the guest has written is the host's at once: it is the default, and dearer for small writes), no
// pool of threads (requests are served in order, one thread a queue).
std::vector<std::string> VirtiofsdCommand(const std::filesystem::path& daemon,
                                          const std::filesystem::path& tree,
                                          const std::filesystem::path& socket, ExportCache cache);

}  // namespace blendbench
