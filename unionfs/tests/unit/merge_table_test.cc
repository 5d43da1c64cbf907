// SPDX-License-Identifier: MIT
// The inode table's memory: what a walk over many files took comes back when the kernel has forgotten them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "unionfs/merge/table.h"

namespace blendfs::merge {
namespace {

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(NodeTableTest, GivesMemoryBack) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps freed memory";
#endif
  constexpr uint64_t kNodes = 200'000;
  NodeTable table;
  std::vector<Node*> nodes;
  nodes.reserve(kNodes);
  const uint64_t before = ResidentBytes();
  for (uint64_t i = 0; i < kNodes; ++i) {
    bool made = false;
    const ObjectKey key{0, i};
    NodeRef node = table.FindOrInsert(
        key,
        [&] {
          Node* fresh = new Node(key, i, S_IFREG, 1);
          fresh->name = "a name that is too long to lie in the string itself " + std::to_string(i);
          return fresh;
        },
        &made);
    ASSERT_TRUE(made);
    nodes.push_back(node.release());
  }
  const uint64_t most = ResidentBytes();
  ASSERT_GT(most, before + kNodes * sizeof(Node));
  for (Node* node : nodes) {
    table.Release(*node, 1);
    table.ReturnMemory();
  }
  EXPECT_EQ(table.size(), 0U);
  EXPECT_LT(ResidentBytes(), before + (most - before) / 4);
}

}  // namespace
}  // namespace blendfs::merge
