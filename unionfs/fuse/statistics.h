// SPDX-License-Identifier: MIT
// Counts requests by kind, and the bytes that pass through the daemon. What a boot costs on a FUSE root is mostly how many requests it makes, so the
// counters are always on.
// Thread-safety: Count from any thread (relaxed atomics); Render sees a snapshot that need not be one
// moment's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace blendfs::fuse {

enum class Kind : uint8_t {
  kLookup,
  kForget,
  kGetAttr,
  kSetAttr,
  kStatx,
  kReadLink,
  kMakeNode,
  kMakeDir,
  kUnlink,
  kRemoveDir,
  kSymlink,
  kRename,
  kLink,
  kOpen,
  kCreate,
  kTmpFile,
  kRead,
  kWrite,
  kRelease,
  kSync,
  kAllocate,
  kSeek,
  kCopyRange,
  kOpenDir,
  kReadDir,
  kReadDirPlus,
  kSyncDir,
  kStatFs,
  kSetXattr,
  kGetXattr,
  kListXattr,
  kRemoveXattr,
  kIoctl,
  // Not requests: what became of opens.
  kOpenCached,
  kOpenPassthrough,
  kOpenDirect,
  kCount
};

std::string_view Name(Kind kind);

// "name value" and a newline: what a mount tells of itself is made of these.
std::string FigureLine(std::string_view name, std::string_view value);

class Statistics {
 public:
  void Count(Kind kind) {
    counts_[static_cast<size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  }
  uint64_t Get(Kind kind) const {
    return counts_[static_cast<size_t>(kind)].load(std::memory_order_relaxed);
  }
  void CountRead(uint64_t bytes) { read_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void CountWritten(uint64_t bytes) { written_bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  // "requests.total N", then "requests.KIND N" and "opens.WAY N", zeros left out, then "read_bytes N" and
  // "written_bytes N"; a line each.
  std::string Render() const;

 private:
  std::atomic<uint64_t> read_bytes_{0}, written_bytes_{0};
  std::array<std::atomic<uint64_t>, static_cast<size_t>(Kind::kCount)> counts_{};
};

}  // namespace blendfs::fuse
