// SPDX-License-Identifier: MIT
// One arm on the host, measured once: a fresh copy of the template image, all cases of the experiment
// in a place that nothing leaks from.
//
// Sample::metrics: <case>.wall_s or <case>.rate_mbps and <case>.cpu_s of every case that succeeded, and
// setup.clones_s. A case that fails makes the sample a failed one, which keeps the numbers of the
// others: each had a mount of its own. Sample::raw: cases (what each told), skipped {case: why},
// failed_cases {case: why}, mount_type.
// Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/progress.h"
#include "harness/guest/event_loop.h"
#include "harness/host/programs.h"
#include "harness/measure/measurer.h"
#include "harness/spec/host_case.h"

namespace blendbench {

// The same for all arms of a run.
struct HostArmSettings {
  Experiment experiment;
  std::vector<HostCase> cases;
  std::map<std::string, EngineHere> engines;  // by name
  std::map<std::string, std::string> skips;   // cases that nobody can run here -> why
  std::filesystem::path template_image;
  std::filesystem::path blendload;
  std::filesystem::path nspawn;
  std::map<std::string, std::filesystem::path> guest_images;  // for the boot case
  std::filesystem::path workloads;                            // as CaseOrder has it
  std::filesystem::path run_folder;
  std::filesystem::path scratch;
  nlohmann::json provenance;
};

class HostArmMeasurer : public StepMeasurer {
 public:
  // `progress` and `interrupt` outlive the object.
  HostArmMeasurer(HostArmSettings settings, Progress& progress, const Interrupt* interrupt);

  Result<Sample> Measure(const Step& step, const std::string& console, bool with_upgrade) override;

 private:
  void RunArm(const Arm& arm, const EngineHere& engine, const std::filesystem::path& folder,
              const std::string& console, Sample& sample);
  void Take(const nlohmann::json& message, Sample& sample);

  HostArmSettings settings_;
  Progress& progress_;
  const Interrupt* interrupt_;
};

}  // namespace blendbench
