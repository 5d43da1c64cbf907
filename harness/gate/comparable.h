// SPDX-License-Identifier: MIT
// Whether two runs may be compared at all, by what is recorded of them. Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/gate/regression.h"

namespace blendbench {

struct Comparability {
  std::vector<std::string> obstacles;  // another machine or substrate: the figures say nothing
  std::vector<std::string> notes;      // what changed and may be the very thing to be measured
};

Comparability Comparable(const std::vector<TrackedRun>& baseline, const TrackedRun& candidate);

}  // namespace blendbench
