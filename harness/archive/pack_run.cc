// SPDX-License-Identifier: MIT
#include "harness/archive/pack_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "harness/archive/gzip.h"
#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRunFiles[] = {"plan.json",        "spec.toml",     "claims.toml",
                                     "environment.json", "samples.jsonl", "samples.corrupt",
                                     "diagnosis.json"};

// Adds `path` under `name`, when it is there.
Result<void> Add(const fs::path& path, const std::string& name, FileMap& files) {
  std::error_code ignored;
  if (!fs::is_regular_file(fs::symlink_status(path, ignored))) return {};
  auto content = ReadFile(path);
  if (!content) return tl::unexpected(content.error());
  files[name] = std::move(*content);
  return {};
}

std::vector<fs::path> Matching(const fs::path& folder, const std::string& pattern) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (GlobMatch(pattern, entry.path().filename().string())) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

// An imported file is known by the number that its name begins with, so the rest may be cut to what an archive takes.
std::string ImportedName(const std::string& base, const fs::path& file) {
  const std::string folder = base + "imported/";
  return folder +
         file.filename().string().substr(0, std::min(kMostName, kMostPath - folder.size()));
}

Result<void> AddRun(const RunFolder& run, const std::string& top, FileMap& files) {
  const std::string base = top + "runs/" + run.id() + "/";
  for (const char* name : kRunFiles)
    if (auto added = Add(run.dir() / name, base + name, files); !added) return added;
  for (const fs::path& log : Matching(run.dir() / "console", "*.log"))
    if (auto added = Add(log, base + "console/" + log.filename().string(), files); !added)
      return added;
  for (const fs::path& file : Matching(run.dir() / "imported", "*"))
    if (auto added = Add(file, ImportedName(base, file), files); !added) return added;
  const fs::path runs = fs::absolute(run.dir()).parent_path();
  for (const fs::path& file : Matching(runs, "calibration-*.json"))
    if (auto added = Add(file, top + "runs/" + file.filename().string(), files); !added)
      return added;
  return {};
}

}  // namespace

Result<std::string> PackRun(const RunFolder& run, const std::string& version,
                            const std::string& report_json, const Pages& pages) {
  if (!IsSafePath(run.id()) || run.id().size() > 60)
    return Fail(
        ExitCode::kUsage,
        fmt::format("{}: an archived run's id is at most 60 of letters, digits and . _ + -; "
                    "rename its folder",
                    run.id()));
  const std::string top = run.id() + "/";
  FileMap files;
  if (auto added = AddRun(run, top, files); !added) return tl::unexpected(added.error());
  files[top + "report/report.json"] = report_json;
  for (const auto& [name, content] : pages.files) files[top + "report/" + name] = content;
  nlohmann::json digests = nlohmann::json::object();
  size_t bytes = 0;
  for (const auto& [name, content] : files) {
    if (!IsSafePath(name))
      return Fail(ExitCode::kUsage,
                  fmt::format("{}: a name that no archive may hold; rename the file", name));
    digests[name.substr(top.size())] = {{"sha256", Sha256Hex(content)}, {"bytes", content.size()}};
    bytes += content.size() + 1024;
  }
  if (bytes > kMostArchiveBytes - (size_t{1} << 20) || files.size() >= kMostArchiveFiles)
    return Fail(
        ExitCode::kEnvironment,
        fmt::format("{}: {} files of {} MiB are more than an archive may hold ({} files, {} MiB); "
                    "thin out its console logs",
                    run.id(), files.size(), bytes >> 20, kMostArchiveFiles,
                    kMostArchiveBytes >> 20));
  files[top + "ARCHIVE.json"] = DumpJson({{"schema", 1},
                                          {"run", run.id()},
                                          {"blendbench", version},
                                          {"made_with", pages.made_with},
                                          {"files", digests}});
  return Gzip(WriteTar(files));
}

}  // namespace blendbench
