// SPDX-License-Identifier: MIT
// One object of the union: a directory with its places in the layers, or anything else with the one
// place its attributes and the one its data come from.
//
// Thread-safety: the atomics stand for themselves. parent and name are guarded by State's location
// locks (short, never held over a system call). `busy` keeps the operations apart that change where
// the object lives (copy-up, unlink, rename, link) and may be held over system calls; lock order:
// by address where two are needed, and never a parent's while holding a child's.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "unionfs/layer/stack.h"
#include "unionfs/merge/held_fd.h"
#include "unionfs/merge/name_index.h"

namespace blendfs::merge {

// The identity of an object, constant over copy-up, rename and remount: the file system (Layer::fs)
// and inode number of the topmost lower object it began as, else of its upper object.
struct ObjectKey {
  uint32_t fs = 0;
  uint64_t ino = 0;
  bool operator==(const ObjectKey&) const = default;
};

// A directory's place in one lower layer.
struct LowerDir {
  layer::LayerIndex layer = layer::kNoLayer;
  HeldFd fd;
  bool xattr_whiteouts = false;  // children may be whiteouts of the xattr form
  bool impure = false;           // children may have an origin or be metadata-only copies
  bool shown_whiteouts = false;  // children may be shown as devices 0:0
};

struct Directory {
  ~Directory();
  BorrowedFd upper_fd() const { return upper.borrow(); }
  const LowerDir* InLayer(layer::LayerIndex layer) const;

  HeldFd upper;
  std::atomic<bool> impure{false};
  std::atomic<bool> shown_whiteouts{false};
  bool upper_xattr_whiteouts = false;
  std::vector<LowerDir> lowers;  // top to bottom, immutable
  // lower_names.h: the index of their names, owned, set once; places asked in vain, and how many justify one.
  std::atomic<const NameIndex*> names{nullptr};
  std::atomic<uint64_t> vain{0}, index_cost{0};
  std::string redirect;  // of the upper directory; guarded by the location lock
};

class Node {
 public:
  Node(ObjectKey key_in, uint64_t ino_in, mode_t type_in, uint64_t generation_in)
      : key(key_in), ino(ino_in), generation(generation_in), type(type_in & S_IFMT) {}

  bool IsDir() const { return type == S_IFDIR; }
  bool IsRegular() const { return type == S_IFREG; }
  bool OnUpper() const { return on_upper.load(std::memory_order_acquire); }
  // False for lower files and for metadata-only copies.
  bool DataOnUpper() const { return data_on_upper.load(std::memory_order_acquire); }

  const ObjectKey key;
  const uint64_t ino;  // st_ino
  const uint64_t generation;
  const mode_t type;            // S_IFMT bits
  bool shown_whiteout = false;  // a device 0:0 to users, an empty file on disk; immutable

  std::atomic<uint64_t> refs{1};  // lookup counts + open files + children
  std::atomic<bool> on_upper{false};
  std::atomic<bool> data_on_upper{false};
  std::atomic<uint64_t> upper_ino{0};  // of the upper object, once there is one
  // Steps that made a copy count (its name, the end of a metadata-only copy), and how many of them a sync has put
  // on the disk: while there are others, syncing the data alone would not bring the copy back after a crash.
  std::atomic<uint32_t> publications{0}, publications_synced{0};
  std::atomic<bool> unlinked{false};  // no name is left
  std::atomic<bool> in_table{false};
  // A second key that leads here: see NodeTable::AddKey. Set before the flag.
  ObjectKey second_key;
  std::atomic<bool> has_second_key{false};
  std::atomic<bool> indexed{false};      // copied up with other lower links: has an index entry
  std::atomic<int64_t> link_count{-1};   // of indexed nodes; -1: the real object's
  std::atomic<int64_t> lower_links{0};   // st_nlink of an indexed node's lower file
  std::atomic<uint32_t> front_flags{0};  // belongs to the front end (fuse/); merge never reads it
  layer::LayerIndex lower_layer = layer::kNoLayer;  // that provides a lower file, immutable

  std::mutex busy;

  Node* parent = nullptr;  // holds a reference; null for the root
  std::string name;        // current in the union, or the last one
  bool name_valid = true;  // false once that name was removed
  // Descriptors of objects that no name here leads to: of the upper one (unlinked, indexed; O_PATH), and of the
  // lower file that has a metadata-only copy's data. Owned, set once, valid as long as the node.
  std::atomic<const HeldFd*> upper_pin{nullptr};
  std::atomic<const HeldFd*> lower_pin{nullptr};

  std::unique_ptr<Directory> dir;  // for directories

  ~Node();
};

// Holds a non-directory in its place: while one lives, no rename or unlink can put another object under the
// name the node is reached by. Wherever a Place is taken and used, one is needed, or the busy lock itself.
// Directories are reached by descriptor and need none.
class Steady {
 public:
  explicit Steady(Node& node) {
    if (!node.IsDir()) busy_ = std::unique_lock(node.busy);
  }

 private:
  std::unique_lock<std::mutex> busy_;
};

// A counted reference. Releasing may delete the node: see NodeTable::Release.
class NodeTable;
class NodeRef {
 public:
  NodeRef() = default;
  NodeRef(NodeTable& table, Node* node) : table_(&table), node_(node) {}  // takes over one count
  NodeRef(NodeRef&& other) noexcept
      : table_(other.table_), node_(std::exchange(other.node_, nullptr)) {}
  NodeRef& operator=(NodeRef&& other) noexcept;
  ~NodeRef();
  static NodeRef Share(NodeTable& table, Node& node) {
    node.refs.fetch_add(1, std::memory_order_relaxed);
    return NodeRef(table, &node);
  }
  Node* get() const { return node_; }
  Node& operator*() const { return *node_; }
  Node* operator->() const { return node_; }
  explicit operator bool() const { return node_ != nullptr; }
  Node* release() { return std::exchange(node_, nullptr); }  // the count goes to the caller

 private:
  NodeTable* table_ = nullptr;
  Node* node_ = nullptr;
};

}  // namespace blendfs::merge
