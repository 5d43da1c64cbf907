// SPDX-License-Identifier: MIT
// A run as one file: RUN/ARCHIVE.json with the digest of every other file, RUN/runs/RUN/ with spec, plan, claims, raw samples,
// environment, console logs and imported files as the run's folder has them, RUN/runs/calibration-*.json, RUN/report/ with the exported document,
// the page and its plots. A gzip'd tar; the same run gives the same bytes. Thread-safety: functions without state.
#pragma once

#include <string>

#include "harness/archive/pages.h"
#include "harness/archive/tar.h"
#include "harness/base/exit_code.h"

namespace blendbench {

class RunFolder;

// What an archive may hold at most; both sides keep to it.
inline constexpr size_t kMostArchiveBytes = size_t{512} << 20;  // unpacked
inline constexpr size_t kMostArchiveFiles = 10'000;

// The archive's bytes. `report_json` is the exported document, `pages` what was made of it (may be empty). kUsage when the run's id is
// no plain name, kEnvironment when a file cannot be read or the run is larger than an archive may be.
Result<std::string> PackRun(const RunFolder& run, const std::string& version,
                            const std::string& report_json, const Pages& pages);

}  // namespace blendbench
