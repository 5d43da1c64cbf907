// SPDX-License-Identifier: MIT
// Which engines this machine has. Thread-safety: functions without state.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "harness/guest/event_loop.h"
#include "harness/spec/engine.h"

namespace blendbench {

// The path of an executable: as it is named when that has a slash, else searched on PATH. "" when
// there is none.
std::filesystem::path FindProgram(const std::string& name);

// Where downloads and built images stay: ${BLEND_CACHE:-~/.cache/blendfs}.
std::filesystem::path CacheFolder();

// An engine as this machine has it.
struct EngineHere {
  EngineDescriptor descriptor;  // with the program's path filled in
  std::string missing;          // "not available here: ..."; "" when it is there
  std::string version;          // first line of `PROGRAM --version`, "" where it says none
  std::string sha256;           // of the program
};

EngineHere LookForEngine(EngineDescriptor descriptor, const Interrupt* interrupt);

// For a run's environment: its version, "there" when it tells none, or what is missing.
std::string EngineState(const EngineHere& engine);

}  // namespace blendbench
