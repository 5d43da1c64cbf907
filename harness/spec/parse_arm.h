// SPDX-License-Identifier: MIT
// The parts of a spec that guests' and the host's arms share. For parse.cc and parse_host.cc alone. Pure.
#pragma once

#include "harness/spec/experiment.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {

// [arm.handicap]; none when it is absent. `on_host`: without what only guests have.
Handicap ReadHandicap(TomlReader& arm, bool on_host, TomlErrors& errors);

// [noise]
NoiseRules ReadNoiseRules(TomlReader& root, TomlErrors& errors);

// Exactly one reference, ids used once, controls that are the reference again.
void CheckArms(const Experiment& experiment, TomlReader& root);

}  // namespace blendbench
