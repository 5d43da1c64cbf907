// SPDX-License-Identifier: MIT
// The [[engine]] tables of a spec. For parse.cc and parse_host.cc alone. Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/spec/engine.h"
#include "harness/spec/toml_reader.h"

namespace blendbench {

// The built-in engines and those that the spec adds.
std::vector<EngineDescriptor> ReadEngines(TomlReader& root, TomlErrors& errors);

std::vector<std::string> NamesOf(const std::vector<EngineDescriptor>& engines);

}  // namespace blendbench
