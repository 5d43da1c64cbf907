// SPDX-License-Identifier: MIT
// What the operations of one union share.
// Thread-safety: the stack and options are immutable, the table and counters lock themselves.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <vector>

#include "unionfs/merge/table.h"
#include "unionfs/merge/union.h"

namespace blendfs::merge {

struct State {
  State(sys::Calls& os_in, layer::Stack stack_in, Options options_in)
      : os(os_in),
        stack(std::move(stack_in)),
        options(std::move(options_in)),
        fds(os_in, options.most_descriptors),
        layer_hits(stack.layers().size()) {}

  const layer::Format& format() const { return stack.format(); }
  std::mutex& LocationLock(const Node& node) {
    return location_locks[(reinterpret_cast<uintptr_t>(&node) >> 7) % location_locks.size()];
  }
  // A name in the work directory nobody else uses.
  std::string TempName() { return "t" + std::to_string(temp_counter.fetch_add(1)); }
  // With a node's number, which is an address, it makes a handle for the kernel. Somebody may keep that (an
  // overlayfs stacked on this union, as the origin of a file), and it must not lead to a node of a later
  // mount: hence the random start.
  uint64_t NextGeneration() { return generation.fetch_add(1) + 1; }

  sys::Calls& os;
  const layer::Stack stack;
  const Options options;
  FdKeeper fds;
  NodeTable table;
  Node* root = nullptr;

  std::array<std::mutex, 64> location_locks;
  std::atomic<uint64_t> temp_counter{0}, generation{std::random_device()()};
  std::atomic<bool> index_used{false};  // work/index has, or had, entries

  // For Counters.
  std::atomic<uint64_t> data_copy_ups{0}, metadata_copy_ups{0}, directory_copy_ups{0};
  std::atomic<uint64_t> special_copy_ups{0}, copied_bytes{0}, misses{0};
  std::vector<std::atomic<uint64_t>> layer_hits;
};

// --- where things are: place.cc ---

// Where a non-directory's real object is at the moment: a descriptor of it, or a name in a directory.
struct Place {
  NodeRef parent;    // keeps dir valid; empty when pinned
  BorrowedFd dir;    // directory descriptor, or the object itself when pinned
  std::string name;  // "" when pinned
  bool pinned() const { return name.empty(); }
};
// The place of the object that has the attributes (upper if it is there). Directories: pinned to
// their descriptor. ESTALE when the object has no place left.
Result<Place> AttributePlace(State& state, Node& node);
// The place of the file that has the data: another one for metadata-only copies.
Result<Place> DataPlace(State& state, Node& node);

Result<sys::FileStat> StatPlace(State& state, const Place& place);

// st_ino for an identity: the number itself when one file system holds all layers, else with the file
// system's number in the high bits.
uint64_t MapIno(const State& state, const ObjectKey& key);

// Path of a directory as its lower layers know it ("/a/b"), honouring redirects of its ancestors.
std::string LowerPath(State& state, Node& node);

// The current parent and name.
struct Location {
  NodeRef parent;
  std::string name;
};
Location CurrentLocation(State& state, Node& node);
void SetLocation(State& state, Node& node, Node& parent, const std::string& name);

}  // namespace blendfs::merge
