// SPDX-License-Identifier: MIT
// An unpacked run held against itself: its plan against the spec, its samples against the plan and the environment.
// The run is untrusted; `files` are the archive's, without its top folder. Pure; thread-safe.
#pragma once

#include <string>

#include "harness/archive/mismatch.h"
#include "harness/archive/tar.h"
#include "harness/spec/experiment.h"

namespace blendbench {

class RunFolder;

// False when the plan is larger than any experiment, so that nothing more may be made of it. A plan of imported
// results has no spec; check_import.h is for those.
bool CheckPlan(const RunFolder& run, const FileMap& files, Mismatches& mismatches);

// Each sample stands where the plan has its step, and says which plan, images and substrate it belongs to.
void CheckSteps(const RunFolder& run, Mismatches& mismatches);

// Every member that differs, as a mismatch of plan.json; `source` names what `derived` was made of.
void CompareExperiments(const Experiment& archived, const Experiment& derived,
                        const std::string& source, Mismatches& mismatches);

}  // namespace blendbench
