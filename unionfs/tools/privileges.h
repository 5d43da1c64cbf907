// SPDX-License-Identifier: MIT
// What the daemon may do: a layer or a caller that tricks it gets no more than serving layers takes.
// Thread-safety: before any other thread exists; threads made later inherit it.
#pragma once

#include <cstdint>

namespace blendfs::tools {

// The capabilities that a union may need, bit N for capability N of linux/capability.h.
uint64_t NeededCapabilities();

// Gives up, for good, all other capabilities and what a program that is started could gain. After sys::InitThread of the
// same thread, which sets up how threads act for others: that takes one of those, and later threads inherit it. For root; does nothing to
// who has none. What cannot be given up is said in the log and stays.
void DropPrivileges();

}  // namespace blendfs::tools
