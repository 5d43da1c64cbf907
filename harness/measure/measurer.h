// SPDX-License-Identifier: MIT
// What measures one step of a plan: arms in guests (arm.h) or on the host itself (host_arm.h).
// Thread-safety: one thread.
#pragma once

#include <string>

#include "harness/base/exit_code.h"
#include "harness/base/sample.h"
#include "harness/spec/experiment.h"

namespace blendbench {

class StepMeasurer {
 public:
  virtual ~StepMeasurer() = default;

  // `console` is the path of the step's log, relative to the run folder. `with_upgrade`: this is the
  // step that shows its arm's upgrade. An error means that there is no sample: interrupted, or the host
  // lacks something.
  virtual Result<Sample> Measure(const Step& step, const std::string& console,
                                 bool with_upgrade) = 0;

  // One more boot of the arm that is no sample, with what the guest says of its units (measure/diagnosis.h);
  // {"failure": TEXT} when it did not boot, null where there is no guest to ask.
  virtual Result<nlohmann::json> Diagnose(const Arm& arm, const std::string& console) {
    (void)arm, (void)console;
    return nlohmann::json();
  }
};

}  // namespace blendbench
