// SPDX-License-Identifier: MIT
// One lookup, with the node made and forgotten: over 1 to 128 layers, through a whiteout, through a
// redirect.
#include <benchmark/benchmark.h>

#include "workloads/micro/layers_for_bench.h"

namespace blendfs::micro {
namespace {

// Every layer has d/, the topmost d/top, the lowest d/bottom.
void MakeShared(Layers& layers, int count) {
  for (int layer = 0; layer < count; ++layer)
    Layers::Write(layers.Lower(layer) + "/d/own" + std::to_string(layer), "");
  Layers::Write(layers.Lower(0) + "/d/top", "");
  Layers::Write(layers.Lower(count - 1) + "/d/bottom", "");
}

void LookUpAndForget(benchmark::State& state, merge::Union& fs, merge::Node& parent,
                     const std::string& name, bool expected) {
  for (auto _ : state) {
    auto entry = fs.Lookup(parent, name);
    if (entry.has_value() != expected) {
      state.SkipWithError(expected ? "the name is not found" : "the name is found");
      break;
    }
    if (entry) fs.Forget(*entry->node, 1);
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_LookupInLayers(benchmark::State& state, const char* name, bool expected) {
  const int count = static_cast<int>(state.range(0));
  Layers layers(count);
  MakeShared(layers, count);
  layers.Open();
  LookUpAndForget(state, layers.fs(), layers.At("d"), name, expected);
}
BENCHMARK_CAPTURE(BM_LookupInLayers, top, "top", true)->RangeMultiplier(2)->Range(1, 128);
BENCHMARK_CAPTURE(BM_LookupInLayers, bottom, "bottom", true)->RangeMultiplier(2)->Range(1, 128);
BENCHMARK_CAPTURE(BM_LookupInLayers, missing, "none", false)->RangeMultiplier(2)->Range(1, 128);

// A directory that all layers have: each one's place in it is opened.
void BM_LookupDirectory(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  Layers layers(count);
  MakeShared(layers, count);
  merge::Union& fs = layers.Open();
  LookUpAndForget(state, fs, fs.root(), "d", true);
}
BENCHMARK(BM_LookupDirectory)->RangeMultiplier(2)->Range(1, 128);

void BM_LookupWhiteout(benchmark::State& state) {
  Layers layers(2);
  Layers::Write(layers.Lower(1) + "/d/hidden", "");
  Layers::Write(layers.Lower(0) + "/d/other", "");
  if (::mknod((layers.Lower(0) + "/d/hidden").c_str(), S_IFCHR, 0) != 0)
    return state.SkipWithError("no whiteout can be made");
  layers.Open();
  LookUpAndForget(state, layers.fs(), layers.At("d"), "hidden", false);
}
BENCHMARK(BM_LookupWhiteout);

// A directory of the lower that was renamed: its upper one leads to the old place by a redirect.
void BM_LookupRedirectedDirectory(benchmark::State& state) {
  Layers layers(1);
  Layers::Write(layers.Lower(0) + "/a/b/old/file", "");
  {
    merge::Union& fs = layers.Open();
    merge::Node& parent = layers.At("a/b");
    if (!fs.Rename(parent, "old", fs.root(), "new", 0))
      return state.SkipWithError("the directory cannot be renamed");
  }
  merge::Union& fs = layers.Open();
  LookUpAndForget(state, fs, fs.root(), "new", true);
}
BENCHMARK(BM_LookupRedirectedDirectory);

}  // namespace
}  // namespace blendfs::micro
