// SPDX-License-Identifier: MIT
// The command line's way to the outside, injected so that tests drive the real main.
// Thread-safety: one thread.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/base/warning.h"

namespace blendbench {

struct Io {
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;  // err is a terminal: progress may be redrawn
  bool colours = false;   // err shows colours
};

// Standard output and error of the process. Colours only on a terminal, and not with NO_COLOR or
// TERM=dumb.
Io SystemIo();

// Whether a stream shows colours, by what is known of it; `no_color` and `term` are the environment's, null
// when unset.
bool WantsColours(bool terminal, const char* no_color, const char* term);

// Writes "blendbench: MESSAGE", one line whatever the message holds, and returns the status main ends with.
int Complain(Io& io, const Error& error);

// One line a warning on standard error.
void Warn(Io& io, const std::vector<Warning>& warnings);

// Text for a person on standard output: what came out of a guest or a file cannot steer the terminal.
void Print(Io& io, const std::string& text);

// A document on standard output, byte for byte; kEnvironment when it takes no more.
int WriteOut(Io& io, const std::string& document, ExitCode code = ExitCode::kOk);

// The complaint about a standard output that took no more, as kEnvironment.
int CannotWrite(Io& io);

// What every answer to --json begins with: {"schema": 1, "command": ..., "warnings": [...]}.
nlohmann::json Answer(const char* command, const std::vector<Warning>& warnings);

// Writes the answer as WriteOut does.
int Give(Io& io, const nlohmann::json& answer, ExitCode code = ExitCode::kOk);

inline int Status(ExitCode code) { return static_cast<int>(code); }

}  // namespace blendbench
