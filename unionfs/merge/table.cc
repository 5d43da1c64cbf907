// SPDX-License-Identifier: MIT
#include "unionfs/merge/table.h"

#include <malloc.h>

namespace blendfs::merge {
namespace {

constexpr uint64_t kWorthReturning = 16 * 1024;  // nodes, of some 330 bytes each

}  // namespace

NodeTable::~NodeTable() {
  // The kernel does not forget everything before an unmount; parents are in the table too.
  for (Shard& shard : shards_) {
    for (auto& [key, node] : shard.nodes) {
      if (key == node->key) delete node;  // else it is in the table under its own, too
    }
    for (Node* node : shard.removed) delete node;
  }
}

NodeRef NodeTable::Find(const ObjectKey& key) {
  Shard& shard = ShardOf(key);
  std::lock_guard lock(shard.mutex);
  auto found = shard.nodes.find(key);
  if (found == shard.nodes.end()) return {};
  return NodeRef::Share(*this, *found->second);
}

NodeRef NodeTable::FindOrInsert(const ObjectKey& key, const std::function<Node*()>& make,
                                bool* made) {
  Shard& shard = ShardOf(key);
  std::lock_guard lock(shard.mutex);
  auto [place, inserted] = shard.nodes.try_emplace(key, nullptr);
  *made = inserted;
  if (!inserted) return NodeRef::Share(*this, *place->second);
  place->second = make();
  place->second->in_table.store(true, std::memory_order_relaxed);
  size_.fetch_add(1, std::memory_order_relaxed);
  return NodeRef(*this, place->second);
}

void NodeTable::Insert(Node& node) {
  Shard& shard = ShardOf(node.key);
  std::lock_guard lock(shard.mutex);
  Node*& place = shard.nodes[node.key];
  if (place == &node) return;
  shard.removed.erase(&node);
  if (place != nullptr && !(place->key == node.key)) {
    place->has_second_key.store(false, std::memory_order_release);
    place = nullptr;
  }
  if (place != nullptr) {
    shard.removed.insert(place);
    place->in_table.store(false, std::memory_order_relaxed);
  } else {
    size_.fetch_add(1, std::memory_order_relaxed);
  }
  place = &node;
  node.in_table.store(true, std::memory_order_relaxed);
}

void NodeTable::AddKey(Node& node, const ObjectKey& key) {
  Shard& shard = ShardOf(key);
  std::lock_guard lock(shard.mutex);
  if (!shard.nodes.try_emplace(key, &node).second) return;
  node.second_key = key;
  node.has_second_key.store(true, std::memory_order_release);
}

void NodeTable::DropKey(Node& node) {
  if (!node.has_second_key.load(std::memory_order_acquire)) return;
  Shard& shard = ShardOf(node.second_key);
  std::lock_guard lock(shard.mutex);
  if (node.has_second_key.exchange(false, std::memory_order_relaxed))
    shard.nodes.erase(node.second_key);
}

void NodeTable::Remove(Node& node) {
  DropKey(node);
  Shard& shard = ShardOf(node.key);
  std::lock_guard lock(shard.mutex);
  if (!node.in_table.exchange(false, std::memory_order_relaxed)) return;
  shard.nodes.erase(node.key);
  shard.removed.insert(&node);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

bool NodeTable::Drop(Node& node, uint64_t count) {
  uint64_t refs = node.refs.load(std::memory_order_relaxed);
  while (refs > count) {
    if (node.refs.compare_exchange_weak(refs, refs - count, std::memory_order_acq_rel))
      return false;
  }
  // The last one goes under the locks of the shards where Find takes new ones.
  Shard& shard = ShardOf(node.key);
  std::unique_lock lock(shard.mutex);
  std::unique_lock<std::mutex> second_lock;
  while (node.has_second_key.load(std::memory_order_acquire)) {
    Shard& second = ShardOf(node.second_key);
    if (&second == &shard || second_lock.owns_lock()) break;
    lock.unlock();
    second_lock = std::unique_lock(second.mutex, std::defer_lock);
    std::lock(lock, second_lock);
  }
  if (node.refs.fetch_sub(count, std::memory_order_acq_rel) != count) return false;
  TakeOut(node);
  return true;
}

void NodeTable::TakeOut(Node& node) {
  Shard& shard = ShardOf(node.key);
  if (node.has_second_key.load(std::memory_order_relaxed))
    ShardOf(node.second_key).nodes.erase(node.second_key);
  if (node.in_table.exchange(false, std::memory_order_relaxed)) {
    shard.nodes.erase(node.key);
    size_.fetch_sub(1, std::memory_order_relaxed);
  } else {
    shard.removed.erase(&node);
  }
}

void NodeTable::ReturnMemory() {
  const uint64_t now = size();
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  if (peak < kWorthReturning || now > peak / 2) return;
  if (!peak_.compare_exchange_strong(peak, now, std::memory_order_relaxed)) return;  // another does
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    shard.nodes.rehash(0);
    shard.removed.rehash(0);
  }
  malloc_trim(0);
}

void NodeTable::Release(Node& node, uint64_t count) {
  Node* current = &node;
  while (current != nullptr && Drop(*current, count)) {
    Node* parent = current->parent;
    delete current;
    current = parent;
    count = 1;
  }
}

}  // namespace blendfs::merge
