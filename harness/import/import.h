// SPDX-License-Identifier: MIT
// Results of other tools as an experiment of ours: an arm's files in the order given are its blocks.
// Pure; the caller reads the files and writes the run.
#pragma once

#include <string>
#include <vector>

#include "harness/base/sample.h"
#include "harness/base/warning.h"
#include "harness/import/external_file.h"
#include "harness/spec/experiment.h"

namespace blendbench {

struct ImportFile {
  std::string arm;
  ExternalText text;
};

struct Imported {
  Plan plan;
  std::vector<Sample> samples;    // in the plan's order
  std::vector<Warning> warnings;  // of what was not taken
  nlohmann::json host;
  std::string started;  // of the first file that tells
  std::string tool;
};

// `reference` "" is the first file's arm. kUsage for a file that cannot be read, an arm's id that is
// none, and metrics that two files mean differently.
Result<Imported> ImportFiles(const std::string& name, const std::vector<ImportFile>& files,
                             const std::string& reference);

}  // namespace blendbench
