// SPDX-License-Identifier: MIT
#include "harness/cluster/cluster_record.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/cluster/words.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path PathIn(const fs::path& run_dir) { return run_dir / "cluster.json"; }

Error Damaged(const fs::path& path, const std::string& what) {
  return {
      ExitCode::kEnvironment,
      fmt::format("{}: {}; restore the file from a copy, or start a new run", path.string(), what)};
}

}  // namespace

fs::path ResultsFolder(const fs::path& run_dir) { return fs::absolute(run_dir) / "blocks"; }

fs::path ClusterLogs(const fs::path& run_dir) { return fs::absolute(run_dir) / "cluster"; }

Result<std::optional<ClusterRecord>> ReadClusterRecord(const fs::path& run_dir) {
  const fs::path path = PathIn(run_dir);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  Result<std::string> text = ReadFile(path);
  if (!text) return tl::unexpected(text.error());
  const auto object = ParseJson(*text);
  if (!object) return tl::unexpected(Damaged(path, object.error()));
  ClusterRecord record;
  try {
    record.executor = object->at("executor");
    record.bundle = object->at("bundle");
    record.job_name = object->at("job_name");
    object->at("jobs").get_to(record.jobs);
    for (const auto& [block, host] : object->at("hosts").items())
      record.hosts[std::stoi(block)] = host;
  } catch (const std::exception& error) {
    return tl::unexpected(Damaged(path, error.what()));
  }
  if (!IsPlainPath(record.bundle)) return tl::unexpected(Damaged(path, "names no bundle"));
  return std::optional<ClusterRecord>(std::move(record));
}

Result<void> WriteClusterRecord(const fs::path& run_dir, const ClusterRecord& record) {
  json hosts = json::object();
  for (const auto& [block, host] : record.hosts) hosts[std::to_string(block)] = host;
  return WriteFileAtomic(PathIn(run_dir), DumpJson({{"schema", 1},
                                                    {"executor", record.executor},
                                                    {"bundle", record.bundle},
                                                    {"job_name", record.job_name},
                                                    {"jobs", record.jobs},
                                                    {"hosts", hosts}}));
}

}  // namespace blendbench
