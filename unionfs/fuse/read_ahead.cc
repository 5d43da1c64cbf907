// SPDX-License-Identifier: MIT
#include "unionfs/fuse/read_ahead.h"

#include <sys/sysmacros.h>

#include <algorithm>

#include "unionfs/fuse/negotiate.h"
#include "unionfs/sys/read_ahead.h"

namespace blendfs::fuse {
namespace {

// A disk that says more than this (some arrays do) does not mean memory to be filled by one reader.
constexpr unsigned kMostKib = 8192;

}  // namespace

std::optional<uint32_t> RaiseReadAhead(const std::string& mount, const std::set<dev_t>& layers) {
  unsigned kib = kMaxWriteBytes / 1024;
  for (const dev_t layer : layers) kib = std::max(kib, sys::ReadAhead(layer).value_or(0));
  kib = std::min(kib, kMostKib);
  const auto device = sys::MountedOn(mount.c_str());
  // A disk's: somebody was quick to unmount ours.
  if (!device || major(*device) != 0 || !sys::SetReadAhead(*device, kib)) return std::nullopt;
  return kib * 1024;
}

}  // namespace blendfs::fuse
