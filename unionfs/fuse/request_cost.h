// SPDX-License-Identifier: MIT
// What the bytes that the kernel sent tell of a request before it is served. Pure.
#pragma once

#include <sys/types.h>

#include <span>

namespace blendfs::fuse {

// Whether serving it may keep a thread for long: copies of whole files, much data, waits for the disk to write, listings. What it does
// not know, it takes for quick: the loop's guard is there for such a mistake.
bool MayTakeLong(std::span<const char> request);

// Whether a caller may send it while others of its own are under way: reading ahead, writing back, asynchronous I/O.
bool MayBeOneOfMany(std::span<const char> request);

// The thread that asks, 0 where the kernel does not say.
pid_t CallerOf(std::span<const char> request);

}  // namespace blendfs::fuse
