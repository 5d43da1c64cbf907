// SPDX-License-Identifier: MIT
// Taking samples.jsonl apart: which lines are samples, which are damaged, whether the last one is
// torn. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/sample.h"

namespace blendbench {

struct DamagedLine {
  int line = 0;       // from 1
  size_t offset = 0;  // of its first byte
  std::string_view bytes;
  std::string problem;  // one line
};

struct SamplesFile {
  std::vector<Sample> samples;
  std::vector<int> lines;            // the line each sample was on
  std::vector<DamagedLine> damaged;  // complete lines that are no samples
  bool torn = false;  // the last line lacks its newline and is no sample; described by `tail`
  bool unterminated = false;  // the last line lacks its newline and is a sample all the same
  DamagedLine tail;
};

// The views in the result point into `content`. Empty lines are skipped.
SamplesFile ParseSamples(std::string_view content);

}  // namespace blendbench
