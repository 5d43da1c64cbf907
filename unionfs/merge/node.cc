// SPDX-License-Identifier: MIT
#include "unionfs/merge/node.h"

#include "unionfs/merge/table.h"

namespace blendfs::merge {

Directory::~Directory() { delete names.load(std::memory_order_relaxed); }

const LowerDir* Directory::InLayer(layer::LayerIndex layer) const {
  for (const LowerDir& lower : lowers) {
    if (lower.layer == layer) return &lower;
  }
  return nullptr;
}

Node::~Node() {
  delete upper_pin.load(std::memory_order_relaxed);
  delete lower_pin.load(std::memory_order_relaxed);
}

NodeRef& NodeRef::operator=(NodeRef&& other) noexcept {
  if (this != &other) {
    if (node_ != nullptr) table_->Release(*node_, 1);
    table_ = other.table_;
    node_ = std::exchange(other.node_, nullptr);
  }
  return *this;
}

NodeRef::~NodeRef() {
  if (node_ != nullptr) table_->Release(*node_, 1);
}

}  // namespace blendfs::merge
