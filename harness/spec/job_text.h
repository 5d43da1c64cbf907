// SPDX-License-Identifier: MIT
// A fio job file made concrete for one arm. The files in workloads/fio/ hold variables
// (${BENCH_DIR},
// ${BENCH_FILE}, ${BENCH_SIZE}, ${BENCH_RUNTIME}, ${BENCH_RAMP}, ${BENCH_SEED}); the harness fills
// them in on the host, sends the text to the guest, and keeps it with the sample, so that what ran
// is known to the byte. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "harness/spec/experiment.h"

namespace blendbench {

struct JobPlace {
  std::string bench_dir = "/home/user/bench";
  std::string lower_file = "/usr/share/blend/data.bin";
};

// fio's randseed for a block: the same for every arm of the block, different between blocks and
// seeds.
uint32_t JobSeed(uint64_t experiment_seed, int block);

// An unknown ${NAME} in the text is an error that names it.
tl::expected<std::string, std::string> RenderJob(const std::string& text, const FioJob& job,
                                                 const JobPlace& place, uint32_t seed);

}  // namespace blendbench
