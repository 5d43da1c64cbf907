// SPDX-License-Identifier: MIT
// Carries out a planned run, or what is left of it: checks the machine and the images, chooses the
// substrate, measures every pending step and writes each sample as it comes.
// Thread-safety: one thread, the process's main one (guests die with it). One run at a time.
#pragma once

#include <filesystem>
#include <string>

#include "harness/base/exit_code.h"
#include "harness/base/progress.h"
#include "harness/guest/event_loop.h"
#include "harness/store/run_folder.h"

namespace blendbench {

struct RunConfig {
  std::filesystem::path images;    // folder of manifest.json
  std::filesystem::path jobs;      // folder of the fio job files, workloads/fio
  std::filesystem::path programs;  // folder of the programs' scripts, workloads/programs
  std::filesystem::path sources;   // checkout whose commit is recorded; "" when there is none
  std::string qemu = "qemu-system-x86_64";
  bool tune = false;         // set what makes measurements noisy for as long as the run takes
  bool diagnose = false;     // afterwards, one boot of each arm that tells its longest units
  bool keep_failed = false;  // keep the clones of arms that failed, for a look at them
  // On the host:
  std::filesystem::path blendload;  // the program of the workloads
  std::filesystem::path blendfs;    // the program of the engine "blendfs"; "" searches PATH
  bool images_named = false;        // `images` was named by the user: it must be there
  // For a block of an experiment on several machines (harness/cluster):
  std::filesystem::path
      scratch;       // of this run alone, for disks and mounts; "" is in the run's folder
  std::string node;  // what the machine is called there; recorded with each sample
};

struct RunOutcome {
  int steps = 0;   // all of the plan, or of the block that the folder is of
  int done = 0;    // with a sample, those of earlier calls included
  int failed = 0;  // of these
};

// What a folder's samples come to.
RunOutcome OutcomeOf(const RunFolder& folder);

// `folder` is open for writing. Returns when every step has a sample. kInterrupted when the user
// asked to stop (nothing of the step that ran is kept), kEnvironment when the machine lacks
// something; what was measured until then is on disk in every case, and another call continues.
Result<RunOutcome> ExecuteRun(RunFolder& folder, const RunConfig& config, Progress& progress,
                              const Interrupt& interrupt);

}  // namespace blendbench
