// SPDX-License-Identifier: MIT
// cluster.json in a run's folder: who carries the run out, so that --resume and `collect` find what there is.
// Thread-safety: values.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"

namespace blendbench {

struct ClusterRecord {
  std::string executor;              // "slurm", "ssh"
  std::string bundle;                // name of its folder in the run's
  std::string job_name;              // of slurm
  std::vector<std::string> jobs;     // of slurm: ids in the order they were submitted
  std::map<int, std::string> hosts;  // of ssh: block -> the host it was last given to
};

// Where a run's blocks, its bundle and the executor's logs are.
std::filesystem::path ResultsFolder(const std::filesystem::path& run_dir);
std::filesystem::path ClusterLogs(const std::filesystem::path& run_dir);

// nullopt for a run that this machine carries out itself. kEnvironment when the record is damaged.
Result<std::optional<ClusterRecord>> ReadClusterRecord(const std::filesystem::path& run_dir);
Result<void> WriteClusterRecord(const std::filesystem::path& run_dir, const ClusterRecord& record);

}  // namespace blendbench
