// SPDX-License-Identifier: MIT
// The command line's way to the outside, injected so that tests drive the real main.
// Thread-safety: one thread.
#pragma once

#include <iosfwd>
#include <string>

#include "harness/base/exit_code.h"

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

// Writes "blendbench: MESSAGE" and returns the status main ends with.
int Complain(Io& io, const Error& error);

inline int Status(ExitCode code) { return static_cast<int>(code); }

}  // namespace blendbench
