// SPDX-License-Identifier: MIT
#include "unionfs/fuse/attribute_demand.h"

#include <algorithm>

namespace blendfs::fuse {

bool AttributeDemand::Give() {
  const std::lock_guard lock(mutex_);
  const bool wanted = kWorthIt * looked_at_ >= without_;
  // Few samples where nothing speaks against it.
  const unsigned every = 2 * looked_at_ >= without_ ? kSeldom : kOften;
  if (wanted && ++turn_ % every != 0) return true;
  if (++without_ > kWindow) {
    without_ /= 2;
    looked_at_ /= 2;
  }
  return false;
}

void AttributeDemand::LookedAt() {
  const std::lock_guard lock(mutex_);
  // The names of a large directory are looked at after all were given.
  looked_at_ = std::min(looked_at_ + 1, kWindow);
}

}  // namespace blendfs::fuse
