// SPDX-License-Identifier: MIT
// Exit status 77: nothing can run here, because layers need trusted attributes and whiteouts.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>

#include "unionfs/sys/calls.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (::geteuid() != 0) {
    fputs("blendfs_micro: needs root for whiteouts and trusted attributes\n", stderr);
    return 77;
  }
  blendfs::sys::InitThread();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
