// SPDX-License-Identifier: MIT
// An imported run made once more of the files that it keeps, and compared: plan, samples, environment. The run is
// untrusted; `files` are the archive's, without its top folder. Pure; thread-safe.
#pragma once

#include "harness/archive/mismatch.h"
#include "harness/archive/tar.h"

namespace blendbench {

class RunFolder;

void CheckImport(const RunFolder& run, const FileMap& files, Mismatches& mismatches);

}  // namespace blendbench
