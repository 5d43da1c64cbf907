// SPDX-License-Identifier: MIT
// The open files that the kernel holds by fuse_file_info::fh. Each normally comes back with its release; but at
// an unmount the kernel drops the releases it has queued, and what is left then ends with this object, before
// the union it belongs to.
//
// Thread-safety: all methods; the lock is one of many, and is never held over a system call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "unionfs/merge/union.h"

namespace blendfs::fuse {

class OpenFiles {
 public:
  OpenFiles() = default;
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;
  ~OpenFiles() {
    for (Shard& shard : shards_) {
      for (merge::OpenFile* file : shard.files) delete file;
    }
  }

  // Takes the file over; where that throws, the caller has it still.
  void Add(std::unique_ptr<merge::OpenFile>& file) {
    Shard& shard = ShardOf(*file);
    std::lock_guard lock(shard.mutex);
    shard.files.insert(file.get());
    (void)file.release();
  }

  size_t size() const {
    size_t all = 0;
    for (const Shard& shard : shards_) {
      std::lock_guard lock(shard.mutex);
      all += shard.files.size();
    }
    return all;
  }

  // Gives a file that was added back to the caller.
  std::unique_ptr<merge::OpenFile> Take(merge::OpenFile& file) {
    Shard& shard = ShardOf(file);
    std::lock_guard lock(shard.mutex);
    shard.files.erase(&file);
    return std::unique_ptr<merge::OpenFile>(&file);
  }

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_set<merge::OpenFile*> files;  // by mutex
  };
  static constexpr size_t kShards = 64;

  Shard& ShardOf(const merge::OpenFile& file) {
    return shards_[(reinterpret_cast<uintptr_t>(&file) >> 6) % kShards];
  }

  std::array<Shard, kShards> shards_;
};

}  // namespace blendfs::fuse
