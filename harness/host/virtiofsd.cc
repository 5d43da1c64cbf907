// SPDX-License-Identifier: MIT
#include "harness/host/virtiofsd.h"

#include <string.h>

#include "harness/host/programs.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "virtiofsd";

// The copies lie in folders that are called by their version.
fs::path NewestInCache() {
  fs::path newest;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(CacheFolder() / kName, error)) {
    const fs::path& folder = entry.path();
    if (folder.filename().string().starts_with(".") || FindProgram(folder / kName).empty())
      continue;
    if (newest.empty() || ::strverscmp(newest.c_str(), folder.c_str()) < 0) newest = folder;
  }
  return newest.empty() ? newest : newest / kName;
}

}  // namespace

fs::path FindVirtiofsd() {
  for (const char* place : {kName, "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd"})
    if (fs::path found = FindProgram(place); !found.empty()) return found;
  return NewestInCache();
}

std::vector<std::string> VirtiofsdCommand(const fs::path& daemon, const fs::path& tree,
                                          const fs::path& socket, ExportCache cache) {
  return {daemon.string(),
          "--shared-dir=" + tree.string(),
          "--socket-path=" + socket.string(),
          cache == ExportCache::kAlways ? "--cache=always" : "--cache=auto",
          "--inode-file-handles=never",
          "--posix-acl",
          "--modcaps=+sys_admin",
          "--allow-direct-io",
          "--sandbox=chroot"};
}

}  // namespace blendbench
