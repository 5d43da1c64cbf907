// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "unionfs/layer/work.h"

namespace blendfs::layer {
namespace {

constexpr int kDirFlags = O_RDONLY | O_DIRECTORY;
constexpr mode_t kOwnerAll = 0700;

// Empties one directory by moving its subdirectories up beside it instead of descending.
class Remover {
 public:
  Remover(sys::Calls& os, BorrowedFd top) : os_(os), top_(top) {}

  Status Run(std::string* culprit) {
    for (;;) {
      BLENDFS_ASSIGN(const std::vector<sys::DirEntry> entries, os_.List(top_));
      if (entries.empty()) return {};
      for (const sys::DirEntry& entry : entries) {
        const Status removed = Remove(entry);
        if (removed) continue;
        *culprit = entry.name;
        return removed;
      }
    }
  }

 private:
  Status Remove(const sys::DirEntry& entry) {
    const char* name = entry.name.c_str();
    if (entry.type != DT_DIR) return os_.Unlink(top_, name);
    BLENDFS_ASSIGN(const UniqueFd dir, Open(name));
    BLENDFS_ASSIGN(const std::vector<sys::DirEntry> children, os_.List(dir.borrow()));
    for (const sys::DirEntry& child : children) {
      BLENDFS_TRY(child.type == DT_DIR ? MoveUp(dir.borrow(), child.name.c_str())
                                       : os_.Unlink(dir.borrow(), child.name.c_str()));
    }
    return os_.RemoveDir(top_, name);
  }

  // Without privilege, a directory of ours may have to be opened up first.
  Result<UniqueFd> Open(const char* name) {
    Result<UniqueFd> dir = os_.OpenBeneath(top_, name, kDirFlags);
    if (dir || dir.error().code != EACCES) return dir;
    BLENDFS_TRY(os_.Chmod(top_, name, kOwnerAll));
    return os_.OpenBeneath(top_, name, kDirFlags);
  }

  Status MoveUp(BorrowedFd dir, const char* name) {
    bool opened_up = false;
    for (;;) {
      const std::string to = "#leftover." + std::to_string(++serial_);
      const Status moved = os_.Rename(dir, name, top_, to.c_str(), RENAME_NOREPLACE);
      if (moved) return moved;
      if (moved.error().code == EACCES && !opened_up) {
        opened_up = true;
        BLENDFS_TRY(os_.Chmod(dir, name, kOwnerAll));
      } else if (moved.error().code != EEXIST) {
        return moved;
      }
    }
  }

  sys::Calls& os_;
  const BorrowedFd top_;
  uint64_t serial_ = 0;
};

}  // namespace

Status RemoveAll(sys::Calls& os, BorrowedFd dir, std::string* culprit) {
  return Remover(os, dir).Run(culprit);
}

}  // namespace blendfs::layer
