// SPDX-License-Identifier: MIT
// A libFuzzer entry for the command line: the input is its words, one a line. Nothing crashes, a complaint is
// never empty, what is split and joined again is the same, and no mount starts without layers.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "unionfs/tools/options.h"

namespace blendfs::tools {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void FuzzSplit(std::string_view input) {
  for (const char separator : {',', ':'}) {
    const std::vector<std::string> parts = SplitUnescaped(input, separator);
    Require(!parts.empty());
    std::string joined = parts.front();
    for (size_t i = 1; i < parts.size(); ++i) joined += separator + parts[i];
    Require(joined == input);
    for (const std::string& part : parts) Require(Unescape(part).size() <= part.size());
  }
}

void FuzzCommandLine(std::string_view input) {
  Invocation invocation;
  invocation.program = "blendfs";
  while (!input.empty()) {
    const size_t end = std::min(input.find('\n'), input.size());
    // No argument of a program has a NUL in it.
    std::string word(input.substr(0, end));
    std::erase(word, '\0');
    invocation.arguments.push_back(std::move(word));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  for (const bool privileged : {false, true}) {
    invocation.privileged = privileged;
    const auto options = ParseOptions(invocation);
    if (!options) {
      Require(!options.error().empty());
    } else if (options->action == Options::Action::kMount) {
      Require(!options->stack.lowers.empty());
      Require(options->stack.upper.empty() == options->stack.work.empty());
      Require(!options->session.mount.target.empty());
    }
  }
}

}  // namespace
}  // namespace blendfs::tools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  blendfs::tools::FuzzSplit(input);
  blendfs::tools::FuzzCommandLine(input);
  return 0;
}
