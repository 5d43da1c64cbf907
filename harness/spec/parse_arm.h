// SPDX-License-Identifier: MIT
// The parts of a spec that guests' and the host's experiments share. For parse.cc and parse_host.cc alone. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/spec/experiment.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {

// [arm.handicap]; none when it is absent. `on_host`: without what only guests have.
Handicap ReadHandicap(TomlReader& arm, bool on_host, TomlErrors& errors);

// [noise]
NoiseRules ReadNoiseRules(TomlReader& root, TomlErrors& errors);

// Exactly one reference, ids used once, controls that are the reference again.
void CheckArms(const Experiment& experiment, TomlReader& root);

// A list of names of things that exist, each once; `what` is one of them ("case"), `all` those that messages
// name. Empty when the key is absent.
std::vector<std::string> ReadNames(TomlReader& root, const std::string& key,
                                   const std::string& what, const std::vector<std::string>& all,
                                   const std::function<bool(const std::string& name)>& exists);

}  // namespace blendbench
