// SPDX-License-Identifier: MIT
// A FUSE mount reads 128 KiB ahead, whatever is below it, in one request after another. This one reads as far ahead as
// the disks of its layers do, and no less than one whole request.
// Thread-safety: called once, when the kernel's INIT is answered: it keeps the smaller of what is set and what is agreed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace blendfs::fuse {

// What to agree on, in bytes; nothing where the kernel's own stays (no sysfs, or not ours to change).
std::optional<uint32_t> RaiseReadAhead(const std::string& mount, const std::set<dev_t>& layers);

}  // namespace blendfs::fuse
