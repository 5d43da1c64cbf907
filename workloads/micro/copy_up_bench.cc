// SPDX-License-Identifier: MIT
// The copy-up of small files: each iteration opens another lower file for writing. The number of
// iterations is fixed, because a file can be copied up only once.
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <vector>

#include "workloads/micro/layers_for_bench.h"

namespace blendfs::micro {
namespace {

constexpr int kFiles = 200;

void CopyUp(benchmark::State& state, bool volatile_upper) {
  Layers layers(1);
  const std::string text(static_cast<size_t>(state.range(0)), 'x');
  for (int file = 0; file < kFiles; ++file)
    Layers::Write(layers.Lower(0) + "/d/f" + std::to_string(file), text);
  merge::Union& fs = layers.Open(volatile_upper);
  merge::Node& dir = layers.At("d");
  std::vector<merge::Node*> nodes;
  for (int file = 0; file < kFiles; ++file) {
    auto entry = fs.Lookup(dir, "f" + std::to_string(file));
    if (!entry) return state.SkipWithError("a file is not there");
    nodes.push_back(entry->node);
  }
  size_t next = 0;
  for (auto _ : state) {
    auto file = fs.OpenAt(*nodes[next++], O_WRONLY, false);
    // Data may wait for the first write: asking for the place to write to brings it up.
    if (!file || !(*file)->data()) {
      state.SkipWithError("a file cannot be opened for writing");
      break;
    }
  }
  if (fs.counters().data_copy_ups + fs.counters().metadata_copy_ups < next)
    return state.SkipWithError("not every file was copied up");
  state.SetItemsProcessed(state.iterations());
}
void BM_CopyUpSynced(benchmark::State& state) { CopyUp(state, false); }
BENCHMARK(BM_CopyUpSynced)->Arg(2048)->Arg(32768)->Iterations(kFiles)->UseRealTime();
void BM_CopyUpVolatile(benchmark::State& state) { CopyUp(state, true); }
BENCHMARK(BM_CopyUpVolatile)->Arg(2048)->Arg(32768)->Iterations(kFiles)->UseRealTime();

}  // namespace
}  // namespace blendfs::micro
