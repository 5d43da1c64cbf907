// SPDX-License-Identifier: MIT
#include "harness/store/calibration_file.h"

#include "harness/base/files.h"
#include "harness/base/json_text.h"

namespace blendbench {
namespace {

using nlohmann::json;

std::filesystem::path PathFor(const std::filesystem::path& runs_dir, const std::string& substrate) {
  return runs_dir / ("calibration-" + substrate + ".json");
}

}  // namespace

json MachineOf(const Environment& environment) {
  json machine = json::object();
  for (const char* name : {"cpu", "cores", "kernel"})
    if (environment.host.contains(name)) machine[name] = environment.host[name];
  return machine;
}

Result<void> WriteCalibration(const std::filesystem::path& runs_dir, const json& calibration) {
  const std::string substrate = calibration.at("substrate");
  return WriteFileAtomic(PathFor(runs_dir, substrate), DumpJson(calibration));
}

json ReadCalibration(const std::filesystem::path& runs_dir, const Environment& environment) {
  if (environment.substrate.empty()) return json();
  const Result<std::string> text = ReadFile(PathFor(runs_dir, environment.substrate));
  if (!text) return json();
  auto calibration = ParseJson(*text);
  if (!calibration || !calibration->is_object() || calibration->value("schema", json()) != 1)
    return json();
  (*calibration)["same_machine"] = calibration->value("machine", json()) == MachineOf(environment);
  return std::move(*calibration);
}

}  // namespace blendbench
