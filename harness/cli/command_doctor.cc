// SPDX-License-Identifier: MIT
// doctor: what a run needs and what disturbs it, looked at one by one, each finding with its remedy.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "harness/cli/commands.h"
#include "harness/cli/places.h"
#include "harness/measure/tuning.h"
#include "harness/run/machine_check.h"

namespace blendbench {
namespace {

using nlohmann::json;

Finding LookAtHome() {
  const std::filesystem::path home = FindHome();
  if (!home.empty()) return {"checkout", Health::kGood, home.string(), ""};
  return {"checkout", Health::kPoor, "not found",
          "give --jobs and --claims, or set BLENDBENCH_HOME"};
}

int Restore(Io& io) {
  const auto lines = RestoreTuning(TuningRecord());
  if (!lines) return Complain(io, lines.error());
  for (const std::string& line : *lines) io.out << line << '\n';
  if (lines->empty()) io.out << "nothing to put back\n";
  return Status(ExitCode::kOk);
}

}  // namespace

int DoctorCommand(const DoctorOptions& options, Io& io) {
  if (options.restore) return Restore(io);
  MachineCheck check;
  check.images = options.images;
  check.runs_dir = options.runs_dir;
  check.qemu = options.qemu;
  check.blendfs = options.blendfs.empty() ? FindBuilt("unionfs/tools/blendfs")
                                          : std::filesystem::path(options.blendfs);
  std::vector<Finding> findings = {{"blendbench", Health::kGood, BLENDBENCH_VERSION, ""}};
  for (Finding& finding : CheckPrograms(check)) findings.push_back(std::move(finding));
  for (Finding& finding : CheckNoise(check)) findings.push_back(std::move(finding));
  findings.push_back(LookAtHome());

  bool bad = false;
  json list = json::array();
  for (const Finding& finding : findings) {
    bad = bad || finding.health == Health::kBad;
    list.push_back({{"what", finding.what},
                    {"health", HealthName(finding.health)},
                    {"detail", finding.detail},
                    {"remedy", finding.remedy}});
    if (options.json) continue;
    io.out << fmt::format("{:<8} {:<17} {}\n", HealthName(finding.health), finding.what,
                          finding.detail);
    if (!finding.remedy.empty()) io.out << fmt::format("{:<26} -> {}\n", "", finding.remedy);
  }
  if (options.json) io.out << list.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
  return Status(bad ? ExitCode::kEnvironment : ExitCode::kOk);
}

}  // namespace blendbench
