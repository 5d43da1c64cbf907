// SPDX-License-Identifier: MIT
// Questions about a whole file system or mount, asked once when a stack of layers is opened. They
// are no part of Calls because no test needs to make them fail in the middle of an operation.
// Thread-safety: all functions may be called from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unionfs/base/result.h"
#include "unionfs/base/unique_fd.h"

namespace blendfs::sys {

// Opens a path that the administrator gave: absolute or relative to the working directory, symlinks
// followed. O_CLOEXEC added.
Result<UniqueFd> OpenGiven(const char* path, int flags);

// The parent of a directory, O_PATH; the directory itself at the root. May leave the mount.
Result<UniqueFd> OpenParent(BorrowedFd dir);

// Where the kernel says an open object is at the moment, for people to read; "" where it does not tell.
std::string PathOf(BorrowedFd fd);

// An exclusive lock on the open file description, held until it is closed. EBUSY if somebody else
// holds one. fd must not be O_PATH.
Status LockExclusive(BorrowedFd fd);

// Tells mounts apart: the kernel's mount id, or st_dev where the kernel (before 5.8) does not say.
Result<uint64_t> MountId(BorrowedFd fd);

// How a mount of our own differs from the one it is cloned from.
struct MountChange {
  enum class AccessTimes { kKept, kNever, kAlways };  // whether reading moves them
  AccessTimes access_times = AccessTimes::kKept;
  bool no_directory_access_times = false;
  bool read_only = false;

  bool operator==(const MountChange&) const = default;
};

// The tree below `dir`, without the mounts in it, as a mount of our own that nobody sees. O_PATH; the mount lasts
// as long as something on it is open. EPERM where the caller may not mount, ENOSYS before Linux 5.12.
Result<UniqueFd> CloneMount(BorrowedFd dir, const MountChange& change);

bool IsFuse(BorrowedFd fd);

// The file system's UUID, 16 bytes; zeros where the file system does not tell. fd must not be
// O_PATH.
std::vector<uint8_t> FileSystemUuid(BorrowedFd fd);

// Whether a file whose data was written out (Calls::WriteOut) before it got a name has that data whenever a crash
// leaves the name: its size and blocks are journalled before the name, and the journal's commit makes
// the device keep what it was given before. True for ext4 with a journal; false where it is not known.
bool WrittenOutComesBeforeNames(BorrowedFd fd);

}  // namespace blendfs::sys
