// SPDX-License-Identifier: MIT
// Baselines: runs that later ones are held against, results/baselines/NAME. Small enough to commit:
//   baseline.json      name, when and why, the runs, and the digest of every file of theirs
//   runs/RUN/          the run's plan, spec, claims and environment as they were, and its samples
//                      without what a comparison does not look at (raw outputs, consoles)
// Every opening checks the digests: a baseline that was edited is none. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/store/run_folder.h"

namespace blendbench {

struct Baseline {
  std::string name;
  std::string created;  // UTC, ISO 8601
  std::string note;
  std::vector<RunFolder> runs;  // in the order adopted
};

enum class IfThere { kRefuse, kReplace, kAppend };

// All or nothing: a failure leaves what was there. `name` is a plain name ([a-z0-9._-]). kUsage for
// one that exists already, a run that is there already, or an unfinished run.
Result<void> AdoptBaseline(const std::filesystem::path& baselines_dir, const std::string& name,
                           const std::vector<RunFolder>& runs, const std::string& note,
                           IfThere if_there);

// False as well for what is no plain name.
bool HasBaseline(const std::filesystem::path& baselines_dir, const std::string& name);

// kUsage when there is none of the name; kEnvironment when it is damaged.
Result<Baseline> OpenBaseline(const std::filesystem::path& baselines_dir, const std::string& name);

Result<void> RemoveBaseline(const std::filesystem::path& baselines_dir, const std::string& name);

// Names, sorted; folders without a baseline.json are left out.
std::vector<std::string> ListBaselines(const std::filesystem::path& baselines_dir);

// A sample as a baseline keeps it.
Sample Slim(Sample sample);

}  // namespace blendbench
