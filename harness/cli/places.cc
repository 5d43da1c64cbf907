// SPDX-License-Identifier: MIT
#include "harness/cli/places.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "harness/host/programs.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

bool IsHome(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / "workloads" / "fio", ignored) &&
         fs::exists(folder / "paper" / "claims.toml", ignored);
}

// In an install prefix the same files are below share/blendbench, in the checkout's order.
fs::path HomeAbove(fs::path folder) {
  for (; folder.has_relative_path(); folder = folder.parent_path()) {
    if (IsHome(folder)) return folder;
    if (fs::path installed = folder / "share" / "blendbench"; IsHome(installed)) return installed;
  }
  return "";
}

fs::path OwnFolder() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

// Run ids begin with the time they were made; of the others, the file tells.
fs::file_time_type MadeAt(const fs::path& run) {
  std::error_code ignored;
  return fs::last_write_time(run / "plan.json", ignored);
}

}  // namespace

std::vector<std::string> Profiles(const fs::path& home) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(home / "harness" / "specs", error)) {
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path FindHome() {
  const char* named = std::getenv("BLENDBENCH_HOME");
  if (named && *named) return named;
  std::error_code ignored;
  const fs::path above = HomeAbove(OwnFolder());
  return above.empty() ? HomeAbove(fs::current_path(ignored)) : above;
}

fs::path FindBuilt(const std::string& path_in_build) {
  std::error_code ignored;
  const fs::path own = OwnFolder();
  for (fs::path folder = own; folder.has_relative_path(); folder = folder.parent_path())
    if (fs::is_regular_file(folder / path_in_build, ignored)) return folder / path_in_build;
  const fs::path name = fs::path(path_in_build).filename();
  for (const fs::path& folder : {own.parent_path() / "libexec" / "blendbench", own})
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  return name;
}

fs::path DefaultImages() { return CacheFolder() / "images" / "current"; }

Result<void> CheckRunId(const std::string& id) {
  constexpr size_t kLongest = 128;
  const bool plain =
      !id.empty() && id.size() <= kLongest &&
      std::isalnum(static_cast<unsigned char>(id.front())) != 0 &&
      std::all_of(id.begin(), id.end(), [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-');
      });
  // Names with a meaning beside or instead of a run's folder.
  const bool taken = id == "latest" || id == "lock" || id.starts_with("blendbench.sqlite");
  if (plain && !taken) return {};
  return Fail(
      ExitCode::kUsage,
      fmt::format(
          "--run {}: an id is a plain name: at most {} letters, digits, ., _ and -, beginning "
          "with a letter or digit, and not \"latest\", \"lock\" or \"blendbench.sqlite\"; "
          "give the folder with --out",
          id, kLongest));
}

std::string NewRunId(const fs::path& runs_dir, const std::string& name) {
  std::string id = UtcText(std::chrono::system_clock::now());
  id.pop_back();
  for (char& c : id) {
    if (c == ':') c = '-';
  }
  id += "-" + name;
  std::error_code ignored;
  if (!fs::exists(runs_dir / id, ignored)) return id;
  int number = 2;
  while (fs::exists(runs_dir / fmt::format("{}-{}", id, number), ignored)) ++number;
  return fmt::format("{}-{}", id, number);
}

Result<fs::path> FindSpec(const std::string& name, const fs::path& home) {
  std::error_code ignored;
  if (fs::is_regular_file(name, ignored)) return fs::path(name);
  const fs::path profile = home / "harness" / "specs" / (name + ".toml");
  if (!home.empty() && fs::is_regular_file(profile, ignored)) return profile;
  return Fail(ExitCode::kUsage,
              fmt::format("{}: no such spec file; name a TOML file or one of the profiles: {}",
                          name, Join(Profiles(home), ", ")));
}

Result<fs::path> FindRun(const std::string& name, const fs::path& runs_dir) {
  std::error_code ignored;
  if (fs::exists(fs::path(name) / "plan.json", ignored)) return fs::path(name);
  if (fs::exists(runs_dir / name / "plan.json", ignored)) return runs_dir / name;
  const std::vector<fs::path> runs = ListRuns(runs_dir);
  if (name == "latest" && !runs.empty()) {
    return *std::max_element(runs.begin(), runs.end(), [](const fs::path& a, const fs::path& b) {
      // Times of files are only as fine as the kernel's tick; ids begin with the time, too.
      return std::pair(MadeAt(a), a.filename()) < std::pair(MadeAt(b), b.filename());
    });
  }
  std::vector<std::string> ids;
  for (const fs::path& run : runs) ids.push_back(run.filename().string());
  const std::string nearest = Nearest(name, ids);
  return Fail(ExitCode::kUsage,
              fmt::format("{}: no such run in {}; {}", name, runs_dir.string(),
                          ids.empty()       ? "there are none yet, `blendbench run` makes one"
                          : nearest.empty() ? "`blendbench list` names them"
                                            : fmt::format("did you mean {}?", nearest)));
}

}  // namespace blendbench
