// SPDX-License-Identifier: MIT
// Where the files of the project are: specs, job files, claims, runs. Thread-safety: functions
// without state.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"

namespace blendbench {

// The checkout blendbench was built from, or the files it was installed with: $BLENDBENCH_HOME, or the first
// folder above the executable or the current folder that has workloads/fio and paper/claims.toml, by itself or
// in share/blendbench. "" when there is none.
std::filesystem::path FindHome();

// The names of the specs in the checkout, in order; none where there is no checkout.
std::vector<std::string> Profiles(const std::filesystem::path& home);

// A file as it is named, or the profile of that name in the checkout's harness/specs. kUsage names
// the profiles.
Result<std::filesystem::path> FindSpec(const std::string& name, const std::filesystem::path& home);

// A program of the same build by its path in the build folder, "unionfs/tools/blendfs", or of the same install
// prefix; its plain name, to be searched on PATH, when there is none.
std::filesystem::path FindBuilt(const std::string& path_in_build);

// Where vm-images/build leaves the images of ./reproduce: ${BLEND_CACHE:-~/.cache/blendfs}/images/current.
std::filesystem::path DefaultImages();

// Whether a run may be called that: a plain name that means nothing else. kUsage if not.
Result<void> CheckRunId(const std::string& id);

// 2026-11-23T10-00-00-quick: sorts by time and is a plain file name; two runs of one second get numbers.
std::string NewRunId(const std::filesystem::path& runs_dir, const std::string& name);

// A run's folder as it is named, or the run of that id in `runs_dir`; "latest" is the newest.
// kUsage otherwise.
Result<std::filesystem::path> FindRun(const std::string& name,
                                      const std::filesystem::path& runs_dir);

}  // namespace blendbench
