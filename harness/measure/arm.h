// SPDX-License-Identifier: MIT
// One arm, measured once: clones, boot, jobs, promises, power-off, and for some arms an upgrade.
// What goes wrong in the guest becomes a failed sample; what is wrong with the host stops the run.
//
// Sample::metrics of a good sample: boot.* (boot_phases.h), fio.<job>_mbps, program.<id>_s, setup.clones_s and
// setup.qemu_s (before time zero), shutdown_s. A failed sample has none: what was measured until
// then is in raw.partial_metrics. Sample::raw: markers, fio.<job> (guest_work.h), programs.<id> (guest_programs.h), disks (per disk,
// whole life), storage {system,app,user}_bytes_written, upgrade {ok, boot metrics, failure}.
// Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/base/exit_code.h"
#include "harness/base/progress.h"
#include "harness/base/sample.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/machine.h"
#include "harness/measure/clones.h"
#include "harness/measure/images.h"
#include "harness/measure/measurer.h"
#include "harness/spec/program.h"

namespace blendbench {

// The same for all arms of a run.
struct ArmSettings {
  Experiment experiment;
  ImageSet images;
  std::map<std::string, std::string> job_texts;  // by FioJob::file, before rendering
  ScriptTexts program_texts;
  // Of arms whose engine the images do not bring: its initramfs, or why this machine has none.
  std::map<std::string, Result<std::filesystem::path>> engine_initramfs;
  std::filesystem::path virtiofsd;  // of arms that are merged on the host; "" where there is none
  std::string qemu = "qemu-system-x86_64";
  Substrate substrate = Substrate::kTcg;
  bool direct_io = true;
  std::filesystem::path run_folder;
  std::filesystem::path scratch;  // clones and QEMU's logs; exists, private
  bool keep_failed_clones = false;
  nlohmann::json provenance;  // of the run; each sample adds its own
};

class ArmMeasurer : public StepMeasurer {
 public:
  // `progress` and `interrupt` outlive the object.
  ArmMeasurer(ArmSettings settings, Progress& progress, const Interrupt* interrupt);

  Result<Sample> Measure(const Step& step, const std::string& console, bool with_upgrade) override;
  Result<nlohmann::json> Diagnose(const Arm& arm, const std::string& console) override;

 private:
  Result<void> MeasureGuest(const Arm& arm, const std::string& folder, const std::string& console,
                            bool with_upgrade, Sample& sample);
  Result<void> MeasureCrowd(const Arm& arm, const std::string& folder, const std::string& console,
                            Sample& sample);
  Result<CloneSet> FreshClones(const std::vector<DiskRole>& roles, const std::string& folder_name);

  ArmSettings settings_;
  Progress& progress_;
  const Interrupt* interrupt_;
};

}  // namespace blendbench
