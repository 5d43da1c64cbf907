// SPDX-License-Identifier: MIT
#include "harness/host/program_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "harness/base/text.h"
#include "harness/guest/hostile.h"
#include "harness/guest/process.h"
#include "harness/host/engine_mount.h"
#include "harness/host/loop_mount.h"
#include "harness/host/programs.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostSaid = 300;

}  // namespace

Outcome<LoadResult> RunProgramCase(const Program& program, const ProgramPlace& place,
                                   const std::vector<pid_t>& daemons, Deadline deadline) {
  const fs::path folder = place.root / program.id;
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) return Unexpected("cannot make " + folder.string() + ": " + error.message());
  // For all that is started from here on, which is this process's alone.
  ::setenv("LC_ALL", "C", 1);
  ::setenv("BLEND_BACKING", place.backing.c_str(), 1);
  ::unsetenv("BLEND_SYSTEM");
  auto verb = [&](const char* name) {
    return RunChecked({"sh", place.script.string(), name, folder.string(), place.data.string()},
                      deadline, nullptr);
  };
  const Outcome<std::string> prepared = verb("prepare");
  if (!prepared) return Unexpected("preparing: " + prepared.error());
  for (const fs::path& path : {place.root, place.backing})
    if (Outcome<void> synced = SyncFileSystem(path); !synced) return Unexpected(synced.error());

  const double daemons_from_s = CpuSeconds(daemons), caller_from_s = ChildrenCpuSeconds();
  const int64_t from_ns = MonotonicNs();
  const Outcome<std::string> ran = verb("run");
  const double seconds = SecondsBetween(from_ns, MonotonicNs());
  const double caller_s = ChildrenCpuSeconds() - caller_from_s;
  const double daemons_s = std::max(0.0, CpuSeconds(daemons) - daemons_from_s);
  if (!ran) return Unexpected(ran.error());
  const Outcome<std::string> checked = verb("check");
  if (!checked) return Unexpected("wrong result: " + checked.error());
  nlohmann::json raw = {{"seconds", seconds},
                        {"rounds", 1},
                        {"caller_cpu_s", caller_s},
                        {"daemon_cpu_s", daemons_s},
                        {"checked", Truncate(LastLine(CleanText(*checked)), kMostSaid)}};
  return LoadResult{seconds, caller_s + daemons_s, 0, std::move(raw)};
}

std::string MissingProgram(const Program& program) {
  for (const ProgramNeed& need : program.needs) {
    if (std::any_of(need.any_of.begin(), need.any_of.end(),
                    [](const std::string& name) { return !FindProgram(name).empty(); }))
      continue;
    return fmt::format("not available here: there is no program {}, install the package {}",
                       need.any_of.front(), need.package);
  }
  return "";
}

}  // namespace blendbench
