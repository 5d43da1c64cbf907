// SPDX-License-Identifier: MIT
// From what the command line says of an experiment to its plan. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <string>

#include "harness/base/exit_code.h"
#include "harness/cli/commands.h"
#include "harness/spec/experiment.h"

namespace blendbench {

struct PreparedPlan {
  Plan plan;
  std::string spec_text;
  std::string claims_text;
  std::filesystem::path home;
};

// Reads the spec and the claims; kUsage names the file, the line and the remedy.
Result<PreparedPlan> PreparePlan(const SpecOptions& options);

}  // namespace blendbench
