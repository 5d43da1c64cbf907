// SPDX-License-Identifier: MIT
// The parts of a spec that belong to guests: arms, [guest], [[job]], [dimension]. For parse.cc alone. Pure.
#pragma once

#include "harness/spec/experiment.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {

// What only the host substrate has (cases, [host]) is an error here.
void ReadGuestExperiment(const toml::table& document, TomlReader& root, TomlErrors& errors,
                         Experiment& experiment);

}  // namespace blendbench
