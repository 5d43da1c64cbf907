// SPDX-License-Identifier: MIT
// The inode table: every live node by its identity, so that an object is one node however it is
// reached (hard links, rename, before and after its copy-up).
// Thread-safety: all methods.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "unionfs/merge/node.h"

namespace blendfs::merge {

class NodeTable {
 public:
  ~NodeTable();

  // The live node of that identity, or an empty reference.
  NodeRef Find(const ObjectKey& key);
  // The live node of that identity, else the one `make` returns (with one reference, called under the
  // shard's lock: it must not block). `made` tells which.
  NodeRef FindOrInsert(const ObjectKey& key, const std::function<Node*()>& make, bool* made);
  // Puts a new node in the table in place of whatever has its identity.
  void Insert(Node& node);
  // Takes a node that lost its last name out, so that a later object with a reused inode number is
  // another node. It lives on until its references are given back.
  void Remove(Node& node);
  // Lets another key lead to the node too, unless it leads somewhere already: of a copy that cannot say whose it
  // is, so that its names, looked up again, lead to the node that it has. One a node; by who holds its `busy`.
  void AddKey(Node& node, const ObjectKey& key);
  // Takes that back.
  void DropKey(Node& node);
  // Gives back `count` references; deletes the node, and parents that only it kept, at zero.
  void Release(Node& node, uint64_t count);

  // Gives memory back to the system once half of the nodes there were are gone. Cheap when called in vain.
  void ReturnMemory();

  uint64_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct KeyHash {
    size_t operator()(const ObjectKey& key) const {
      return (key.ino * 0x9e3779b97f4a7c15ULL) ^ (uint64_t{key.fs} << 32);
    }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<ObjectKey, Node*, KeyHash> nodes;
    std::unordered_set<Node*> removed;  // out of the table and still referred to
  };
  Shard& ShardOf(const ObjectKey& key) { return shards_[(KeyHash()(key) >> 40) % shards_.size()]; }
  // With the shards of the node's keys locked: takes it out.
  void TakeOut(Node& node);
  // True when that was the last reference; the node is out of the table then.
  bool Drop(Node& node, uint64_t count);

  std::array<Shard, 64> shards_;
  std::atomic<uint64_t> size_{0};
  std::atomic<uint64_t> peak_{0};  // of size_, as ReturnMemory saw it since it last did something
};

}  // namespace blendfs::merge
