// SPDX-License-Identifier: MIT
// Which processor a thread runs on, and where it may run.
// Thread-safety: all of it. Threads are named by their ids, as the kernel has them in this pid namespace.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <optional>

namespace blendfs::sys {

// The processors that a machine of exactly two has; nothing on any other, or where this process may not use both.
std::optional<cpu_set_t> BothProcessors();

cpu_set_t OneProcessor(int number);

// The processor a thread runs on, or ran on last. Nothing for a thread that is unknown here, and without a procfs.
// Some 10 us.
std::optional<int> ProcessorOf(pid_t thread);

// Best effort: where the kernel refuses, the thread stays where it may be.
void StayOn(pid_t thread, const cpu_set_t& processors);

// Remembered by each thread: not to be asked before a fork whose child asks again.
pid_t ThisThread();

}  // namespace blendfs::sys
