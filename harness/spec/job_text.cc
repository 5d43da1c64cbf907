// SPDX-License-Identifier: MIT
#include "harness/spec/job_text.h"

#include <fmt/format.h>

#include <map>

namespace blendbench {

uint32_t JobSeed(uint64_t experiment_seed, int block) {
  // A multiplicative hash keeps neighbouring seeds and blocks apart; fio takes 32 bits, and 0 is
  // not a seed to it.
  const uint64_t mixed = (experiment_seed * 0x9e3779b97f4a7c15ULL + static_cast<uint64_t>(block)) *
                         0xd6e8feb86659fd93ULL;
  const auto seed = static_cast<uint32_t>(mixed >> 33);
  return seed == 0 ? 1 : seed;
}

tl::expected<std::string, std::string> RenderJob(const std::string& text, const FioJob& job,
                                                 const JobPlace& place, uint32_t seed) {
  const std::map<std::string, std::string> values = {
      {"BENCH_DIR", place.bench_dir},
      {"BENCH_FILE",
       job.lower_file ? place.lower_file : place.bench_dir + "/" + job.family + ".dat"},
      {"BENCH_SIZE", fmt::format("{}m", job.size_mib)},
      {"BENCH_RUNTIME", fmt::format("{}", job.runtime_s)},
      {"BENCH_RAMP", fmt::format("{}", job.ramp_s)},
      {"BENCH_SEED", fmt::format("{}", seed)},
  };
  std::string rendered;
  size_t at = 0;
  for (size_t open = text.find("${"); open != std::string::npos; open = text.find("${", at)) {
    const size_t close = text.find('}', open);
    const std::string name =
        close == std::string::npos ? "" : text.substr(open + 2, close - open - 2);
    const auto value = values.find(name);
    if (value == values.end()) {
      return tl::unexpected(
          fmt::format("{}: unknown variable ${{{}}}; use ${{BENCH_DIR}}, ${{BENCH_FILE}}, "
                      "${{BENCH_SIZE}}, ${{BENCH_RUNTIME}} or ${{BENCH_SEED}}",
                      job.file, name));
    }
    rendered.append(text, at, open - at).append(value->second);
    at = close + 1;
  }
  return rendered.append(text, at);
}

}  // namespace blendbench
