// SPDX-License-Identifier: MIT
// The life of one arm's guests, written into a sample phase by phase.
// Thread-safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "harness/base/progress.h"
#include "harness/base/sample.h"
#include "harness/guest/guest.h"
#include "harness/host/pauser.h"
#include "harness/measure/arm.h"
#include "harness/measure/clones.h"

namespace blendbench {

class ArmSession {
 public:
  // All references outlive the session; `sample` is filled in, `clones` may get a disk exchanged.
  ArmSession(const ArmSettings& settings, const Arm& arm, CloneSet& clones, Progress& progress,
             const Interrupt* interrupt, Sample& sample);

  // From the start of QEMU to its end. On a failure the sample says so and QEMU is gone.
  void Run(const std::string& console);
  // After a good Run: boots the used disks once more with the newer system image. What it finds are
  // promises; a guest that fails here breaks them, not the sample.
  void Upgrade(const std::string& console);

  // Boots the disks once, asks the guest what its boot was made of, and ends it: no sample (measure/diagnosis.h).
  Outcome<nlohmann::json> Diagnose(const std::string& console);

  // What the host lacked, so that the guest is not to blame: the sample is void then.
  const std::optional<Error>& host_error() const { return host_error_; }

 private:
  Outcome<void> Start(const std::string& console);
  Outcome<void> Boot();
  Outcome<void> Jobs();
  Outcome<void> RunPrograms();
  Outcome<void> CountInstructions();
  Outcome<void> Promises();
  Outcome<void> PowerOff();
  Outcome<void> UpgradeSteps(const std::string& console);
  void FailSample(const std::string& phase, const std::string& reason, const std::string& console);
  void EndGuest();

  const ArmSettings& settings_;
  const Arm& arm_;
  CloneSet& clones_;
  Progress& progress_;
  const Interrupt* interrupt_;
  Sample& sample_;
  std::unique_ptr<Guest> guest_;
  std::unique_ptr<Pauser> pauser_;  // of the arm's handicap, while the guest runs
  std::string phase_;               // for the failure, as Failure::phase names it
  std::optional<Error> host_error_;
};

// Which arms show an upgrade: those that have a system image of their own to exchange. The control
// repeats the reference, so it is left out.
bool ShowsUpgrade(const Arm& arm);

}  // namespace blendbench
