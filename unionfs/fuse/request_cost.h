// SPDX-License-Identifier: MIT
// Which requests may keep a thread for long, told from the bytes the kernel sent. Pure.
#pragma once

#include <span>

namespace blendfs::fuse {

// Copies of whole files, much data, waits for the disk to write, listings. What it does not know, it takes for
// quick: the loop's guard is there for such a mistake.
bool MayTakeLong(std::span<const char> request);

}  // namespace blendfs::fuse
