// SPDX-License-Identifier: MIT
#include "harness/spec/machines.h"

#include <algorithm>

#include "harness/base/text.h"

namespace blendbench {
namespace {

constexpr size_t kShownOfFingerprint = 8;

// A text of provenance.host; "" when it is not there.
std::string HostText(const Sample& sample, const char* name) {
  const nlohmann::json::json_pointer place(std::string("/host/") + name);
  if (!sample.provenance.is_object() || !sample.provenance.contains(place)) return "";
  const nlohmann::json& value = sample.provenance.at(place);
  return value.is_string() ? value.get<std::string>() : "";
}

}  // namespace

std::string MachineOf(const Sample& sample) { return HostText(sample, "machine"); }

std::string MachineNameOf(const Sample& sample) {
  const std::string node = HostText(sample, "node");
  return OneLine(node.empty() ? MachineOf(sample).substr(0, kShownOfFingerprint)
                              : node.substr(0, 64));
}

std::string BlocksText(const std::vector<int>& blocks, const std::string& separator) {
  std::vector<int> sorted = blocks;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::string text;
  for (size_t first = 0; first < sorted.size();) {
    size_t last = first;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1) ++last;
    if (!text.empty()) text += separator;
    text += std::to_string(sorted[first]);
    if (last > first) text += "-" + std::to_string(sorted[last]);
    first = last + 1;
  }
  return text;
}

}  // namespace blendbench
