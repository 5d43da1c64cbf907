// SPDX-License-Identifier: MIT
// The boots of a run for a terminal: each arm's phases to one scale, and the longest units of its diagnostic boot. Pure.
#pragma once

#include <string>

#include "harness/export/record.h"

namespace blendbench {

// "" when no sample has phases and nothing was diagnosed.
std::string BootTimeline(const RunRecord& record);

}  // namespace blendbench
