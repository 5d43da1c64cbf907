// SPDX-License-Identifier: MIT
// How each open file reaches its data: through the kernel's page cache and the daemon (cached), straight to
// the upper file (passthrough), or through the daemon without the page cache (direct).
//
// The rule of the kernel: while any open of an inode is live, all its opens must be of one kind, and
// passthrough opens must share one backing id. So the kind is chosen at the first open and kept until the
// last close. Lower files are cached: the daemon can move to the upper file under a cached open, which a
// passthrough open could not. Upper files use passthrough where that can be had.
//
// Stale pages: the page cache of an inode is filled only by cached opens; a file that had a passthrough open
// may still be written through a mapping that outlives it, so where passthrough fails after it once worked,
// the open is direct, which never looks at the page cache.
//
// Thread-safety: all methods from any thread; the locks are never held over a system call.
// Errors: none. Where passthrough cannot be set up another kind is taken, and one line is logged.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "unionfs/fuse/libfuse.h"
#include "unionfs/fuse/statistics.h"
#include "unionfs/merge/node.h"
#include "unionfs/merge/union.h"

namespace blendfs::fuse {

enum class OpenKind : uint8_t { kCached, kPassthrough, kDirect };

// The kernel's table of backing files.
class BackingFiles {
 public:
  virtual ~BackingFiles() = default;
  virtual Result<int> Register(BorrowedFd fd) = 0;  // the backing id, above zero
  virtual void Unregister(int backing_id) = 0;
};

struct OpenDecision {
  OpenKind kind = OpenKind::kCached;
  int backing_id = 0;       // with kPassthrough
  bool keep_cache = false;  // the pages the kernel has are still right

  void ApplyTo(fuse_file_info& info) const;
};

class OpenPolicy {
 public:
  OpenPolicy(BackingFiles& backing, Statistics& statistics)
      : backing_(backing), statistics_(statistics) {}

  void AllowPassthrough(bool allow) { passthrough_allowed_ = allow; }
  bool passthrough_allowed() const { return passthrough_allowed_; }

  // To be called once for each open before it is answered; each Enter has its Leave, before the file is deleted.
  OpenDecision Enter(merge::OpenFile& file);
  void Leave(merge::OpenFile& file);

  bool IsOpenForWriting(const merge::Node& node);

 private:
  struct Live {
    uint32_t opens = 0;
    uint32_t writers = 0;  // of them
    OpenDecision decision;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<const merge::Node*, Live> live;  // by mutex
  };
  static constexpr size_t kShards = 64;

  Shard& ShardOf(const merge::Node& node) {
    return shards_[(reinterpret_cast<uintptr_t>(&node) >> 7) % kShards];
  }
  // The policy proper, for the first open of an inode.
  OpenKind Preferred(const merge::OpenFile& file) const;
  OpenDecision SetUp(OpenKind kind, merge::OpenFile& file);
  OpenDecision WithoutPassthrough(int error);

  BackingFiles& backing_;
  Statistics& statistics_;
  std::atomic<bool> passthrough_allowed_{false};
  std::atomic<bool> passthrough_worked_{false};
  std::atomic<bool> failure_logged_{false};
  std::array<Shard, kShards> shards_;
};

// How long the kernel may keep a node's attributes. Forever, but not for a file that was opened for reading
// and writing under passthrough: a shared mapping of it changes times and blocks behind the daemon and the
// FUSE inode alike, and may outlive the open.
double AttributesSeconds(const merge::Node& node);

}  // namespace blendfs::fuse
