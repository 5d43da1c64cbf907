// SPDX-License-Identifier: MIT
// What this kernel's FUSE offers, asked of the kernel itself: a mount is made in a namespace of its own, the kernel's greeting read, and
// the mount dropped unanswered. Needs root. Thread-safety: as host/isolated.h.
#pragma once

#include <cstdint>
#include <filesystem>

#include "harness/guest/clock.h"
#include "harness/guest/fd.h"

namespace blendbench {

struct FuseOffer {
  int major = 0;
  int minor = 0;
  bool passthrough = false;  // reads and writes that bypass the daemon
};

// `log`: a file for what goes wrong inside.
Outcome<FuseOffer> AskFuse(const std::filesystem::path& log, Deadline deadline);

// From the bytes of a FUSE_INIT request. Pure.
Outcome<FuseOffer> ParseGreeting(const unsigned char* bytes, size_t size);

}  // namespace blendbench
