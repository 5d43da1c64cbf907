// SPDX-License-Identifier: MIT
#include "harness/cli/io.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace blendbench {

Io SystemIo() {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool plain = (no_color && *no_color) || !term || std::string_view(term) == "dumb";
  return {std::cout, std::cerr, terminal && !plain, terminal && !plain};
}

int Complain(Io& io, const Error& error) {
  const char* on = io.colours ? "\x1b[31m" : "";
  const char* off = io.colours ? "\x1b[0m" : "";
  io.err << on << "blendbench:" << off << ' ' << error.message << '\n';
  io.err.flush();
  return Status(error.code);
}

}  // namespace blendbench
