// SPDX-License-Identifier: MIT
// A directory's listing merged out of 1 to 128 layers of 32 names each, half of them shared.
#include <benchmark/benchmark.h>

#include "workloads/micro/layers_for_bench.h"

namespace blendfs::micro {
namespace {

constexpr int kNames = 32;

void BM_MergeListing(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  Layers layers(count);
  for (int layer = 0; layer < count; ++layer) {
    const std::string dir = layers.Lower(layer) + "/d/";
    for (int name = 0; name < kNames / 2; ++name) {
      Layers::Write(dir + "shared" + std::to_string(name), "");
      Layers::Write(dir + "own" + std::to_string(layer) + "-" + std::to_string(name), "");
    }
  }
  merge::Union& fs = layers.Open();
  merge::Node& dir = layers.At("d");
  for (auto _ : state) {
    auto opened = fs.OpenDirectory(dir);
    if (!opened || !(*opened)->Refresh()) {
      state.SkipWithError("the directory cannot be listed");
      break;
    }
    benchmark::DoNotOptimize(opened);
  }
  state.SetItemsProcessed(state.iterations() * count * kNames);
}
BENCHMARK(BM_MergeListing)->RangeMultiplier(2)->Range(1, 128);

}  // namespace
}  // namespace blendfs::micro
