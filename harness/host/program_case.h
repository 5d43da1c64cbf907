// SPDX-License-Identifier: MIT
// A case that is a real program (spec/program.h): its script run in a folder of the mounted file system. For use inside
// RunIsolated alone. Thread-safety: one thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "harness/guest/clock.h"
#include "harness/guest/fd.h"
#include "harness/host/load.h"
#include "harness/spec/program.h"

namespace blendbench {

struct ProgramPlace {
  std::filesystem::path script;
  std::filesystem::path
      root;  // of the mounted file system; the program gets a folder of its own in it
  std::filesystem::path data;     // lua.tar, package.deb
  std::filesystem::path backing;  // a folder of the file system below it, to be synced with it
};

// Prepares and syncs, runs, checks. An error is one line, with the script's words. The processor time is that of the
// script's processes and of the `daemons` while it ran.
Outcome<LoadResult> RunProgramCase(const Program& program, const ProgramPlace& place,
                                   const std::vector<pid_t>& daemons, Deadline deadline);

// "not available here: ..." with the package to install when this machine lacks a program, else "".
std::string MissingProgram(const Program& program);

}  // namespace blendbench
