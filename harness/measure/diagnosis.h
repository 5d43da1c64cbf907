// SPDX-License-Identifier: MIT
// What a boot is made of, told by the guest itself in a boot that is not measured: asking costs time, and what
// systemd says of its units is its own clock's.
// Thread-safety: one thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harness/guest/guest.h"

namespace blendbench {

struct UnitTime {
  std::string unit;
  double seconds = 0;
};

// The output of systemd-analyze blame, longest first; lines that are none are left out, and of the rest the first
// `most` kept. Pure.
std::vector<UnitTime> ParseBlame(std::string_view output, size_t most = 12);

// {"units": [{"unit", "s"}], "summary": TEXT, "critical_chain": TEXT} of a guest that has booted.
Outcome<nlohmann::json> AskForUnits(Guest& guest, Deadline deadline);

}  // namespace blendbench
