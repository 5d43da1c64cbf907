// SPDX-License-Identifier: MIT
// The listings of directories that are being read. The kernel opens directories by itself and reads them by
// node and offset alone, so what one request has listed is kept for the next: until the reader has come to the
// end, or others have taken the place.
//
// Thread-safety: all methods; a Lease keeps other readers of its directory out, and is held by one request.
// Errors: positive errno of the layers.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <span>

#include "unionfs/merge/union.h"

namespace blendfs::fuse {

class Listings {
 public:
  explicit Listings(merge::Union& fs) : fs_(fs) {}

  // One directory's listing for the length of a request.
  class Lease {
   public:
    // What follows an offset; reads the directory (again) at offset 0 and where nothing was kept.
    Result<std::span<const merge::DirItem>> ItemsAfter(off_t offset);

   private:
    friend class Listings;
    struct Kept {
      std::mutex mutex;
      const merge::Node* node = nullptr;  // of `dir`, for finding it
      std::unique_ptr<merge::OpenDir> dir;
      bool read = false;  // by mutex
      uint64_t used = 0;  // by Listings::mutex_
    };
    Lease(Listings& listings, std::shared_ptr<Kept> kept)
        : listings_(listings), kept_(std::move(kept)), lock_(kept_->mutex) {}

    Listings& listings_;
    std::shared_ptr<Kept> kept_;
    std::unique_lock<std::mutex> lock_;
  };

  Result<Lease> Of(merge::Node& node);

 private:
  using Kept = Lease::Kept;
  void Drop(const std::shared_ptr<Kept>& kept);

  // Each holds its directory's node, and names as long as it is being read.
  static constexpr size_t kMost = 32;

  merge::Union& fs_;
  std::mutex mutex_;
  std::array<std::shared_ptr<Kept>, kMost> kept_;  // by mutex_
  uint64_t uses_ = 0;                              // by mutex_
};

}  // namespace blendfs::fuse
