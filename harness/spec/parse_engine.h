// SPDX-License-Identifier: MIT
// The [[engine]] tables of a spec. For parse.cc and parse_host.cc alone. Pure.
#pragma once

#include <vector>

#include "harness/spec/experiment.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {

// The built-in engines and those that the spec adds.
std::vector<EngineDescriptor> ReadEngines(TomlReader& root, TomlErrors& errors);

// Those of `engines` that an arm has.
std::vector<EngineDescriptor> UsedEngines(const std::vector<EngineDescriptor>& engines,
                                          const std::vector<Arm>& arms);

}  // namespace blendbench
