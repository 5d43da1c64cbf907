// SPDX-License-Identifier: MIT
// Turning the process into a daemon that its starter can wait for, and into one that a root file system can
// rest on.
// Thread-safety: before any other thread exists.
#pragma once

#include <string>

#include "unionfs/base/unique_fd.h"

namespace blendfs::tools {

// The daemon's end of the line to the process that started it. Ready() lets that one exit with 0; going without
// Ready lets it exit with 1 (what was wrong has been said on standard error by then).
class Starter {
 public:
  Starter() = default;
  explicit Starter(UniqueFd line) : line_(std::move(line)) {}
  void Ready();

 private:
  UniqueFd line_;
};

// Forks. Returns in the child only, in a session of its own; the parent waits and exits.
Starter BecomeDaemon();

// Leaves whatever was standard input, output and error, and the working directory.
void DetachFromTerminal();

// As many open files as the system lets this process have. Returns how many that is.
size_t RaiseFileLimit();

// One heap for all threads: what one thread's requests allocate another's free, and memory that lies in as many heaps
// as there are threads is hardly ever given back.
void ShareOneHeap();

// Lets this process run again within 0.2 s, seldom a few seconds, whenever a SIGSTOP stopped it, for as long as it lives.
// To be called before other threads are made.
void NeverStayStopped();

// What a process must be that / depends on: not paged out, not killed for memory, not stopped for long,
// not waiting for its own write-back. To be called before other threads are made.
void ProtectForRoot();

}  // namespace blendfs::tools
