// SPDX-License-Identifier: MIT
// The inode table: nodes found, inserted and released among a thousand and among a million others, by
// one thread and by several.
#include <benchmark/benchmark.h>
#include <sys/stat.h>

#include <memory>
#include <vector>

#include "unionfs/merge/table.h"

namespace blendfs::micro {
namespace {

using merge::Node;
using merge::NodeTable;
using merge::ObjectKey;

Node* NewNode(uint64_t ino) { return new Node(ObjectKey{0, ino}, ino, S_IFREG | 0644, 1); }

// Holds `count` nodes with the inode numbers 1 to count.
class Filled {
 public:
  explicit Filled(int64_t count) {
    for (int64_t ino = 1; ino <= count; ++ino) {
      Node* node = NewNode(static_cast<uint64_t>(ino));
      table_.Insert(*node);
      nodes_.push_back(node);
    }
  }
  Filled(const Filled&) = delete;
  Filled& operator=(const Filled&) = delete;
  ~Filled() {
    for (Node* node : nodes_) table_.Release(*node, 1);
  }
  NodeTable& table() { return table_; }

 private:
  NodeTable table_;
  std::vector<Node*> nodes_;
};

std::unique_ptr<Filled> shared_table;

void MakeShared(const benchmark::State& state) {
  shared_table = std::make_unique<Filled>(state.range(0));
}
void DropShared(const benchmark::State&) { shared_table.reset(); }

// A stride that visits all numbers in an order no cache foresees.
uint64_t NextIno(uint64_t ino, int64_t count) {
  return (ino + 7919) % static_cast<uint64_t>(count) + 1;
}

void BM_TableFind(benchmark::State& state) {
  uint64_t ino = 1 + static_cast<uint64_t>(state.thread_index()) * 101;
  for (auto _ : state) {
    ino = NextIno(ino, state.range(0));
    if (!shared_table->table().Find(ObjectKey{0, ino})) {
      state.SkipWithError("a node is not found");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TableFind)
    ->Setup(MakeShared)
    ->Teardown(DropShared)
    ->Arg(1'000)
    ->Arg(1'000'000)
    ->ThreadRange(1, 4)
    ->UseRealTime();

void BM_TableMiss(benchmark::State& state) {
  uint64_t ino = 1;
  for (auto _ : state) {
    ino = NextIno(ino, state.range(0));
    if (shared_table->table().Find(ObjectKey{1, ino})) {
      state.SkipWithError("a node is found");
      break;
    }
  }
}
BENCHMARK(BM_TableMiss)->Setup(MakeShared)->Teardown(DropShared)->Arg(1'000)->Arg(1'000'000);

// A node's whole life: made, put in, and deleted with its last reference.
void BM_TableInsertRelease(benchmark::State& state) {
  uint64_t ino = 1;
  for (auto _ : state) {
    const ObjectKey key{1, ++ino};
    bool made = false;
    merge::NodeRef node = shared_table->table().FindOrInsert(
        key, [&] { return new Node(key, ino, S_IFREG | 0644, 1); }, &made);
    if (!made) {
      state.SkipWithError("a new node was there already");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TableInsertRelease)
    ->Setup(MakeShared)
    ->Teardown(DropShared)
    ->Arg(1'000)
    ->Arg(1'000'000);

}  // namespace
}  // namespace blendfs::micro
