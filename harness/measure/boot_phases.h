// SPDX-License-Identifier: MIT
// A boot's phases from its markers. They add up to the total because the total is their sum. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/guest/fd.h"
#include "harness/guest/markers.h"

namespace blendbench {

// Metrics boot.kernel_s (time zero to I), boot.initramfs_s (to m), boot.merge_s (to M),
// boot.switch_s (to S), boot.userspace_s (to R) and boot.total_s. Time zero is when the machine was
// let run. An error names the marker that is missing or out of order.
Outcome<std::map<std::string, double>> BootPhases(const std::vector<Marker>& markers,
                                                  int64_t zero_ns);

// [{"name": "I", "s": 3.21}, ...], seconds since time zero; for the sample's raw part.
nlohmann::json MarkersToJson(const std::vector<Marker>& markers, int64_t zero_ns);

}  // namespace blendbench
