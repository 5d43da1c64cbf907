// SPDX-License-Identifier: MIT
// How many instructions a guest has executed, on the substrate icount. There one instruction takes a nanosecond
// of the guest's clock, so its clock counts them, less the time that it idled: a processor that waits skips to
// the next timer, by an amount that hangs on how fast the host's disk answers. The kernel keeps that time to the
// nanosecond in /proc/timer_list. A regression signal and no evidence: an instruction is not a time.
// Thread-safety: one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/guest/guest.h"
#include "harness/spec/guest_load.h"

namespace blendbench {

// Nanoseconds of work at each reading in the text ("now at N nsecs", .idle_sleeptime, .iowait_sleeptime). Pure.
Outcome<std::vector<int64_t>> ParseReadings(std::string_view timer_lists);

// Millions of instructions since the kernel's clock started.
Outcome<double> InstructionsSoFar(Guest& guest, Deadline deadline);

// The load is run once for the caches, then once more and counted; millions of instructions. While it runs nothing
// is asked of the guest: its end is a marker.
Outcome<double> CountLoad(Guest& guest, const GuestLoad& load, Deadline deadline);

}  // namespace blendbench
