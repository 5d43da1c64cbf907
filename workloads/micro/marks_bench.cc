// SPDX-License-Identifier: MIT
// The on-disk format: overlay attributes read from an object that has none and from one that has them,
// names of attributes mapped, redirects and origins decoded.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "workloads/micro/layers_for_bench.h"

namespace blendfs::micro {
namespace {

void ReadMarks(benchmark::State& state, bool marked) {
  Layers layers(1);
  const std::string path = layers.Lower(0) + "/file";
  Layers::Write(path, "");
  if (marked && (::setxattr(path.c_str(), "trusted.overlay.metacopy", "", 0, 0) != 0 ||
                 ::setxattr(path.c_str(), "trusted.overlay.redirect", "/a/b/c", 6, 0) != 0))
    return state.SkipWithError("no trusted attributes here");
  const UniqueFd dir(::open(layers.Lower(0).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const layer::Format format(false);
  for (auto _ : state) {
    auto marks = layer::ReadMarks(sys::Real(), format, dir.borrow(), "file");
    if (!marks || marks->metacopy != marked) {
      state.SkipWithError("other marks than were set");
      break;
    }
  }
}
void BM_ReadMarksNone(benchmark::State& state) { ReadMarks(state, false); }
BENCHMARK(BM_ReadMarksNone);
void BM_ReadMarksSome(benchmark::State& state) { ReadMarks(state, true); }
BENCHMARK(BM_ReadMarksSome);

void BM_XattrNameToDisk(benchmark::State& state) {
  const layer::Format format(false);
  for (auto _ : state) {
    benchmark::DoNotOptimize(format.ToDisk("user.mime_type"));
    benchmark::DoNotOptimize(format.ToDisk("trusted.overlay.opaque"));
  }
}
BENCHMARK(BM_XattrNameToDisk);

void BM_XattrNameToUser(benchmark::State& state) {
  const layer::Format format(false);
  for (auto _ : state) {
    benchmark::DoNotOptimize(format.ToUser("user.mime_type"));
    benchmark::DoNotOptimize(format.ToUser("trusted.overlay.overlay.opaque"));
  }
}
BENCHMARK(BM_XattrNameToUser);

void BM_ParseRedirect(benchmark::State& state) {
  std::string redirect;
  for (int64_t part = 0; part < state.range(0); ++part) redirect += "/component";
  for (auto _ : state) {
    auto parsed = layer::ParseRedirect(redirect);
    if (!parsed) return state.SkipWithError("a good redirect is refused");
    benchmark::DoNotOptimize(parsed);
  }
}
BENCHMARK(BM_ParseRedirect)->Arg(1)->Arg(8)->Arg(64);

void BM_DecodeOrigin(benchmark::State& state) {
  layer::Origin origin;
  origin.handle.type = 1;
  origin.handle.bytes = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::string raw = layer::EncodeOrigin(origin);
  for (auto _ : state) {
    auto decoded = layer::DecodeOrigin(raw);
    if (!decoded) return state.SkipWithError("a good origin is refused");
    benchmark::DoNotOptimize(decoded);
  }
}
BENCHMARK(BM_DecodeOrigin);

}  // namespace
}  // namespace blendfs::micro
