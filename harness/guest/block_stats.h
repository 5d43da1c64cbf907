// SPDX-License-Identifier: MIT
// How much a guest read and wrote, as QEMU counted it per disk.
// Thread-safety: values and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/guest/fd.h"

namespace blendbench {

struct DiskStats {
  int64_t read_bytes = 0;
  int64_t written_bytes = 0;
  int64_t read_operations = 0;
  int64_t write_operations = 0;
  int64_t flush_operations = 0;
};

using BlockStats = std::map<std::string, DiskStats>;  // by the disk's serial

// From the reply to query-blockstats; devices that are not disks of ours are left out.
Outcome<BlockStats> ParseBlockStats(const nlohmann::json& reply);

// What happened between two looks; a disk that is only in `after` counts from 0.
BlockStats Difference(const BlockStats& after, const BlockStats& before);
DiskStats Sum(const BlockStats& stats);

nlohmann::json ToJson(const BlockStats& stats);

}  // namespace blendbench
