// SPDX-License-Identifier: MIT
// What fio measured, taken from its json output and doubted: bytes, time and rate must agree, and
// the guest's disks must have seen the bytes or the run is labelled as served from a cache. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "harness/guest/block_stats.h"
#include "harness/guest/fd.h"

namespace blendbench {

struct FioResult {
  double mbps = 0;        // 10^6 bytes a second, in the job's direction
  std::string direction;  // "read", "write" or "mixed"
  int64_t bytes = 0;
  double runtime_s = 0;  // of the direction that ran longest
  nlohmann::json raw;    // fio's whole document
};

// `output` may have text before the document. Several jobs in it count together: bytes are added
// up, time is the longest. An error says what does not fit.
Outcome<FioResult> ParseFio(std::string_view output);

// Where the bytes came from or went to: "device" when the disks moved at least 90 % as many bytes
// as fio did, "cache" when under 10 %, "partly" between.
std::string ServedFrom(const FioResult& result, const BlockStats& during);

}  // namespace blendbench
