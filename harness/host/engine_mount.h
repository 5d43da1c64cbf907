// SPDX-License-Identifier: MIT
// An engine's file system mounted by its descriptor, with the processes that serve it. For use inside
// RunIsolated alone, where every process but the caller belongs to the mount.
// Thread-safety: one thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "harness/guest/clock.h"
#include "harness/guest/fd.h"
#include "harness/spec/engine.h"

namespace blendbench {

// The processes here that are neither the first one nor dead.
std::vector<pid_t> OtherProcesses();
// Processor time they have had, threads that have ended included.
double CpuSeconds(const std::vector<pid_t>& processes);
// Of children that were waited for, and of theirs.
double ChildrenCpuSeconds();

struct EngineMount {
  std::string target;
  std::vector<pid_t> daemons;
  std::string type;  // as /proc/self/mountinfo says: "overlay", "fuse.blendfs", "ext4"
};

// Mounts `order` with the engine; all its directories lie below `base` (the kernel's option string is
// short, so its layers are named relative to that). An engine of kind kBind mounts the one lower
// itself. An error is one line; nothing is mounted then.
Outcome<EngineMount> MountEngine(const EngineDescriptor& engine, const MountOrder& order,
                                 const std::string& base, Deadline deadline);

// Unmounts it and waits until its daemons have ended by themselves. When that fails they are killed,
// and the error says so: what follows finds a clean place in every case.
Outcome<void> UnmountEngine(const EngineMount& mount, Deadline deadline);

}  // namespace blendbench
