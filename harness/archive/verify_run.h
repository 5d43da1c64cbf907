// SPDX-License-Identifier: MIT
// Recomputes an archive: digests, plan, samples' provenance, what was imported, every number of the report, the page. The archive is untrusted
// input: it is read into memory within limits, and only names that pass IsSafePath are written, below `scratch`.
// What it cannot find: an archive in which everything, raw samples included, was made up consistently; compare the archive's own
// sha256 with a published one for that. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/archive/mismatch.h"
#include "harness/archive/pages.h"
#include "harness/base/exit_code.h"
#include "harness/base/warning.h"

namespace blendbench {

struct Verification {
  std::string run;
  size_t files = 0;
  size_t samples = 0;
  size_t numbers = 0;  // of the report, compared with those recomputed
  bool page_checked = false;
  Mismatches mismatches;
  std::vector<Warning> warnings;
};

// kEnvironment when it cannot be unpacked, or holds no run that can be opened; kInterrupted when `make_pages` was.
Result<Verification> VerifyRun(std::string_view archive, const std::string& name,
                               const std::filesystem::path& scratch, const std::string& version,
                               const MakePages& make_pages);

}  // namespace blendbench
