// SPDX-License-Identifier: MIT
// The userspace of a guest's tree booted natively as a systemd container, to the moment its init says
// that it is up, and powered off in order. No guest, no kernel boot: what a root file system costs a
// boot, at native speed. For use inside RunIsolated alone.
// Thread-safety: one thread.
#pragma once

#include <string>

#include "harness/guest/clock.h"
#include "harness/guest/fd.h"
#include "harness/spec/handicap.h"

namespace blendbench {

struct BootTimes {
  double ready_s = 0;       // systemd-nspawn started to the container's READY=1
  double poweroff_s = 0;    // asked to power off to the end of systemd-nspawn
  double caller_cpu_s = 0;  // of all processes of the container and nspawn, over its whole life
};

// `notify_socket`: a path for a socket that does not exist yet, short enough for an address.
// Of the handicap, the boot's unit is added to the container's.
Outcome<BootTimes> BootContainer(const std::string& nspawn, const std::string& root,
                                 const std::string& notify_socket, const Handicap& handicap,
                                 Deadline deadline);

// Whether the tree at `root` shows what a fine layout promises: the user's file wins, a deleted one is
// gone, the application and the user's home are there. An error names the first that is not so.
Outcome<void> CheckMergedTree(const std::string& root);

}  // namespace blendbench
