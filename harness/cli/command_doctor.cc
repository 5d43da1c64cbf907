// SPDX-License-Identifier: MIT
// doctor: what a run needs and what disturbs it, looked at one by one, each finding with its remedy.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/base/text.h"
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

int Restore(bool as_json, Io& io) {
  const auto lines = RestoreTuning(TuningRecord());
  if (!lines) return Complain(io, lines.error());
  if (as_json) {
    json answer = Answer("doctor", {});
    answer["restored"] = *lines;
    return Give(io, answer);
  }
  Print(io, lines->empty() ? "nothing to put back\n" : Join(*lines, "\n") + "\n");
  return Status(ExitCode::kOk);
}

}  // namespace

int DoctorCommand(const DoctorOptions& options, Io& io) {
  if (options.restore) return Restore(options.json, io);
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
  std::string text;
  for (const Finding& finding : findings) {
    bad = bad || finding.health == Health::kBad;
    list.push_back({{"what", finding.what},
                    {"health", HealthName(finding.health)},
                    {"detail", finding.detail},
                    {"remedy", finding.remedy}});
    text +=
        fmt::format("{:<8} {:<17} {}\n", HealthName(finding.health), finding.what, finding.detail);
    if (!finding.remedy.empty()) text += fmt::format("{:<26} -> {}\n", "", finding.remedy);
  }
  const ExitCode code = bad ? ExitCode::kEnvironment : ExitCode::kOk;
  if (!options.json) {
    Print(io, text);
    return Status(code);
  }
  json answer = Answer("doctor", {});
  answer["findings"] = std::move(list);
  return Give(io, answer, code);
}

}  // namespace blendbench
