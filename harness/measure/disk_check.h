// SPDX-License-Identifier: MIT
// Whether the file system that a user wrote to is sound, once no guest runs on it. Thread-safety: functions without state.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/guest/clock.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/machine.h"

namespace blendbench {

// The disk among `disks` whose file system is the user's own; null where no file of the host holds one as such (an
// exception store of the device mapper means nothing without the disk below it).
const Disk* UsersFileSystem(const Arm& arm, const std::vector<Disk>& disks);

struct DiskState {
  bool sound = false;  // after its journal was replayed there was nothing to mend
  std::string said;    // e2fsck's first complaint; "" when sound
};

// Looks at a copy of the disk in `folder`, which is gone afterwards; the disk stays as it is. An error: it could not be
// looked at.
Outcome<DiskState> CheckFileSystem(const Disk& disk, const std::filesystem::path& folder,
                                   Deadline deadline, const Interrupt* interrupt);

}  // namespace blendbench
