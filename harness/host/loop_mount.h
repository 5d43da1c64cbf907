// SPDX-License-Identifier: MIT
// Images mounted through loop devices that go with their mount, and plain mount helpers. For use
// inside RunIsolated alone: nothing here undoes itself, the namespace does.
// Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <string>

#include "harness/guest/clock.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/fd.h"

namespace blendbench {

// Whether a loop device keeps pages of the image beside those of the file system that is in it.
// kDirect does not, where the image's file system can do without (QEMU's cache.direct).
enum class LoopCache { kTwice, kDirect };

// An image of ext4, or of erofs, which is always read-only.
Outcome<void> MountImage(const std::filesystem::path& image, const std::filesystem::path& target,
                         bool read_only, LoopCache cache = LoopCache::kTwice);
Outcome<void> BindMount(const std::filesystem::path& from, const std::filesystem::path& target);

// Tries again as long as something still uses it, until the deadline.
Outcome<void> Unmount(const std::filesystem::path& target, Deadline deadline);

// Writes everything of that file system to the disk.
Outcome<void> SyncFileSystem(const std::filesystem::path& path);

// Page cache, dentries and inodes of the whole machine: what is clean is forgotten.
Outcome<void> DropCaches();

// A copy of a sparse image file, on the disk when it returns, its pages not in the cache.
Outcome<void> CloneImage(const std::filesystem::path& from, const std::filesystem::path& to,
                         Deadline deadline, const Interrupt* interrupt);

}  // namespace blendbench
