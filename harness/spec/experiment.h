// SPDX-License-Identifier: MIT
// An experiment as its spec (TOML) says, and the plan made of it. Pure: no I/O, the caller reads
// the file. Thread-safety: values.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "harness/spec/engine.h"
#include "harness/spec/external.h"
#include "harness/spec/handicap.h"
#include "harness/spec/noise.h"

namespace blendbench {

// What a plan may have at most, imported ones too.
inline constexpr int kMostBlocks = 10'000;

enum class Layout { kMonolithic, kCoarse, kFine };
// "monolithic", "coarse" or "fine", as specs, plans and reports write it.
std::string LayoutName(Layout layout);

struct Arm {
  std::string id;  // [a-z0-9-]+, unique
  std::string label;
  Layout layout = Layout::kCoarse;
  std::string engine;          // its name; "" in layouts without a union
  std::string engine_options;  // extra -o options
  bool reference = false;      // exactly one
  bool control = false;        // the reference again (A')
  Handicap handicap;           // made worse on purpose, for a calibration
};

struct FioJob {
  std::string id;  // metric becomes fio.<id>_mbps
  std::string label;
  std::string family;  // "path" (direct=1) or "app" (direct=0)
  std::string
      file;  // workloads/fio/<file>; a template, made concrete by RenderJob (spec/job_text.h)
  bool lower_file = false;  // reads /usr/share/blend/data.bin, a file of the system image
  int runtime_s = 2;        // longest time the job runs
  int ramp_s = 0;           // before the measurement starts (path family)
  int size_mib = 64;        // size of its file
};

struct GuestSettings {
  int memory_mib = 768;
  int cpus = 1;
  double boot_timeout_s = 240;
  double job_timeout_s = 120;
  double poweroff_timeout_s = 90;
  std::string console = "off";  // "off" (no kernel console, markers only), "serial"
};

// An experiment on the host itself, without guests (substrate "host").
struct HostSettings {
  std::vector<std::string> cases;  // ids of spec/host_case.h, in the order they run
  double case_timeout_s = 120;
  int boots = 3;  // timed boots of boot-userspace in one arm of one block; their median counts
};

struct Experiment {
  std::string name;
  std::string description;
  std::string substrate = "auto";  // "auto", "kvm", "tcg", "icount", "host", "external"
  uint64_t seed = 1;
  int blocks = 8;
  std::vector<Arm> arms;
  // Those of the arms, built in or given by the spec. Of guests' arms, without those that the images bring.
  std::vector<EngineDescriptor> engines;
  std::vector<FioJob> jobs;
  bool promises = true;
  bool upgrade = true;  // once per run and fine arm: boot the used user image with system_next
  GuestSettings guest;
  HostSettings host;
  NoiseRules noise;
  std::vector<Metric> external;       // of an imported experiment
  std::string spec_sha256;            // of the bytes of the spec file
  std::vector<std::string> programs;  // ids of spec/program.h, in the order they run in a guest
};

// Guests whose instructions are counted: the loads of spec/guest_load.h in place of the jobs.
inline bool CountsInstructions(const Experiment& experiment) {
  return experiment.substrate == "icount";
}
// Null when there is none.
inline const Arm* FindArm(const Experiment& experiment, const std::string& id) {
  for (const Arm& arm : experiment.arms)
    if (arm.id == id) return &arm;
  return nullptr;
}
inline const EngineDescriptor* FindEngine(const Experiment& experiment, const std::string& name) {
  for (const EngineDescriptor& engine : experiment.engines)
    if (engine.name == name) return &engine;
  return nullptr;
}
inline const Arm* ReferenceOf(const Experiment& experiment) {
  for (const Arm& arm : experiment.arms)
    if (arm.reference) return &arm;
  return nullptr;
}
inline bool OnHost(const Experiment& experiment) { return experiment.substrate == "host"; }
// Imported from another tool's results; it cannot be run.
inline bool IsExternal(const Experiment& experiment) { return experiment.substrate == "external"; }

// A parse error names file, line and remedy in one line.
tl::expected<Experiment, std::string> ParseExperiment(const std::string& toml_text,
                                                      const std::string& file_name);

struct Step {
  int block = 0;
  int order = 0;
  std::string arm;

  bool operator==(const Step&) const = default;
};

struct Plan {
  Experiment experiment;
  std::vector<Step> steps;  // blocks x arms, each block in its own random order drawn from the seed
  std::string claims_sha256;
};

Plan MakePlan(const Experiment& experiment, const std::string& claims_sha256);
nlohmann::json ToJson(const Plan& plan);  // canonical: hashing its dump is the plan's hash
tl::expected<Plan, std::string> PlanFromJson(const nlohmann::json& json);

}  // namespace blendbench
