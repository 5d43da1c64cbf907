// SPDX-License-Identifier: MIT
#include "harness/store/samples_file.h"

#include <exception>
#include <optional>

#include "harness/base/json_text.h"
#include "harness/base/text.h"

namespace blendbench {
namespace {

std::optional<Sample> ParseLine(std::string_view bytes, std::string& problem) {
  auto object = ParseJson(bytes);
  if (!object) {
    problem = object.error();
    return std::nullopt;
  }
  try {
    return SampleFromJson(*object);
  } catch (const std::exception& error) {
    problem = OneLine(error.what());
  }
  return std::nullopt;
}

}  // namespace

SamplesFile ParseSamples(std::string_view content) {
  SamplesFile file;
  int line = 0;
  for (size_t start = 0; start < content.size();) {
    ++line;
    const size_t newline = content.find('\n', start);
    const bool complete = newline != std::string_view::npos;
    const size_t end = complete ? newline : content.size();
    const std::string_view bytes = content.substr(start, end - start);
    DamagedLine damaged{line, start, bytes, ""};
    start = end + 1;
    if (bytes.empty()) continue;
    if (auto sample = ParseLine(bytes, damaged.problem)) {
      file.samples.push_back(std::move(*sample));
      file.lines.push_back(line);
      file.unterminated = !complete;
    } else if (complete) {
      file.damaged.push_back(damaged);
    } else {
      file.torn = true;
      file.tail = damaged;
    }
  }
  return file;
}

}  // namespace blendbench
