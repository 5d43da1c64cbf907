// SPDX-License-Identifier: MIT
// The parts of a spec that belong to the host substrate: cases, [host], [[engine]], and its arms.
// For parse.cc alone. Pure.
#pragma once

#include "harness/spec/experiment.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {

// Fills experiment.arms and experiment.host. What only guests have ([guest], [[job]], promises,
// upgrade) is an error here.
void ReadHostExperiment(const toml::table& document, TomlReader& root, TomlErrors& errors,
                        Experiment& experiment);

}  // namespace blendbench
