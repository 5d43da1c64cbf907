// SPDX-License-Identifier: MIT
#include "harness/cli/io.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "harness/base/json_text.h"
#include "harness/base/text.h"

namespace blendbench {

bool WantsColours(bool terminal, const char* no_color, const char* term) {
  return terminal && (!no_color || !*no_color) && term && *term && std::string_view(term) != "dumb";
}

Io SystemIo() {
  const bool colours =
      WantsColours(isatty(STDERR_FILENO) != 0, std::getenv("NO_COLOR"), std::getenv("TERM"));
  // A terminal that shows no colours may still redraw a line, but not every one does.
  const bool redraws = WantsColours(isatty(STDERR_FILENO) != 0, nullptr, std::getenv("TERM"));
  return {std::cout, std::cerr, redraws, colours};
}

int Complain(Io& io, const Error& error) {
  const char* on = io.colours ? "\x1b[31m" : "";
  const char* off = io.colours ? "\x1b[0m" : "";
  io.err << on << "blendbench:" << off << ' ' << OneLine(error.message) << '\n';
  io.err.flush();
  return Status(error.code);
}

void Warn(Io& io, const std::vector<Warning>& warnings) {
  const char* on = io.colours ? "\x1b[33m" : "";
  const char* off = io.colours ? "\x1b[0m" : "";
  for (const Warning& warning : warnings)
    io.err << on << "warning:" << off << ' ' << LineOf(warning) << '\n';
  io.err.flush();
}

void Print(Io& io, const std::string& text) {
  io.out << CleanText(text);
  io.out.flush();
}

nlohmann::json Answer(const char* command, const std::vector<Warning>& warnings) {
  return {{"schema", 1}, {"command", command}, {"warnings", ToJson(warnings)}};
}

int WriteOut(Io& io, const std::string& document, ExitCode code) {
  io.out << document;
  io.out.flush();
  return io.out ? Status(code) : CannotWrite(io);
}

int CannotWrite(Io& io) {
  return Complain(io, {ExitCode::kEnvironment, "cannot write to standard output; free some space"});
}

int Give(Io& io, const nlohmann::json& answer, ExitCode code) {
  return WriteOut(io, DumpJson(answer), code);
}

}  // namespace blendbench
