// SPDX-License-Identifier: MIT
// What a run needs before its first step, by substrate: the machine and the images looked at, and the
// measurer that carries steps out. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "harness/base/exit_code.h"
#include "harness/base/progress.h"
#include "harness/guest/event_loop.h"
#include "harness/measure/images.h"
#include "harness/measure/measurer.h"
#include "harness/run/run.h"
#include "harness/store/run_folder.h"

namespace blendbench {

struct Prepared {
  std::unique_ptr<StepMeasurer> measurer;
  Environment environment;         // already on disk
  std::optional<ImageSet> images;  // that must be the same after the run
  double step_estimate_s = 0;
};

// `scratch` is a private folder, `progress` and `interrupt` outlive what is returned. An error names
// what the machine lacks.
Result<Prepared> PrepareGuests(RunFolder& folder, const RunConfig& config,
                               const std::filesystem::path& scratch, Progress& progress,
                               const Interrupt& interrupt);
Result<Prepared> PrepareHost(RunFolder& folder, const RunConfig& config,
                             const std::filesystem::path& scratch, Progress& progress,
                             const Interrupt& interrupt);

// --- shared by both ---

// The images' digests, as the manifest says and as at the run's beginning.
Result<std::map<std::string, std::string>> CheckedDigests(const ImageSet& images,
                                                          const Environment& known,
                                                          const Interrupt& interrupt);
// The environment with what is known on every substrate: time, source, host.
Environment BeginEnvironment(const RunFolder& folder, const RunConfig& config,
                             const Interrupt& interrupt);
// The part of each sample's provenance that is the same in the whole run.
nlohmann::json RunProvenance(const RunFolder& folder, const Environment& environment);

}  // namespace blendbench
