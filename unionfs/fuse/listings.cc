// SPDX-License-Identifier: MIT
#include "unionfs/fuse/listings.h"

#include <algorithm>

namespace blendfs::fuse {

Result<Listings::Lease> Listings::Of(merge::Node& node) {
  std::shared_ptr<Kept> kept, gone;  // what is gone ends after the lock
  {
    std::lock_guard lock(mutex_);
    const auto place = std::find_if(kept_.begin(), kept_.end(), [&node](const auto& each) {
      return each && each->node == &node;
    });
    if (place != kept_.end()) {
      kept = *place;
    } else {
      auto fresh = std::make_shared<Kept>();
      BLENDFS_ASSIGN(fresh->dir, fs_.OpenDirectory(node));
      fresh->node = &node;
      const auto oldest = std::min_element(
          kept_.begin(), kept_.end(),
          [](const auto& a, const auto& b) { return (a ? a->used : 0) < (b ? b->used : 0); });
      gone = std::exchange(*oldest, fresh);
      kept = std::move(fresh);
    }
    kept->used = ++uses_;
  }
  return Lease(*this, std::move(kept));
}

void Listings::Drop(const std::shared_ptr<Kept>& kept) {
  std::lock_guard lock(mutex_);
  const auto place = std::find(kept_.begin(), kept_.end(), kept);
  if (place != kept_.end()) place->reset();
}

Result<std::span<const merge::DirItem>> Listings::Lease::ItemsAfter(off_t offset) {
  if (offset == 0 || !kept_->read) {
    kept_->read = false;  // a listing that broke off is not gone on with
    BLENDFS_TRY(kept_->dir->Refresh());
    kept_->read = true;
  }
  const std::vector<merge::DirItem>& items = kept_->dir->items();
  const auto next =
      std::upper_bound(items.begin(), items.end(), offset,
                       [](off_t at, const merge::DirItem& item) { return at < item.offset; });
  // The reader has seen the end: this lease is the last to need it.
  if (next == items.end()) listings_.Drop(kept_);
  return std::span(next, items.end());
}

}  // namespace blendfs::fuse
