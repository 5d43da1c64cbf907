// SPDX-License-Identifier: MIT
// One measurement of one arm in one block, as it is kept for ever: numbers, verdicts of the promise
// checks, what went wrong if it did, and where it all came from.
// Thread-safety: a value.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace blendbench {

enum class SampleStatus { kOk, kFailed };

struct Failure {
  std::string phase;         // "start", "boot", "agent", "fio:NAME", "promises", "poweroff"
  std::string reason;        // one line
  std::string console_tail;  // the last lines of the console, UTF-8, control characters removed
  std::string console;       // path of the whole log, relative to the run folder
};

// Before the name of a check that was made once more after the system image was exchanged.
inline constexpr const char* kAfterUpgrade = "upgrade.";

struct Promise {
  std::string check;
  bool held = false;
  std::string detail;
};

struct Sample {
  int block = 0;
  int order = 0;  // position within the block, from 0
  std::string arm;
  SampleStatus status = SampleStatus::kOk;
  std::optional<Failure> failure;         // set when failed
  std::map<std::string, double> metrics;  // by metric id; unit is in the id (_s, _mbps)
  std::vector<Promise> promises;
  // By harness/measure: markers, fio's json per job, disks, "storage"
  // ({system,app,user}_bytes_written), ...
  nlohmann::json raw;
  nlohmann::json provenance;  // digests, versions, command line, host load, times
  std::string started;        // UTC, ISO 8601
  double duration_s = 0;      // wall time of the arm, clones and tear-down included
};

nlohmann::json ToJson(const Sample& sample);
// Throws std::runtime_error with what is wrong; unknown members are kept out, not an error.
Sample SampleFromJson(const nlohmann::json& json);

}  // namespace blendbench
