// SPDX-License-Identifier: MIT
// Keeps a second task from a block: a requeued one while the first still ends, or a copy that somebody started by hand.
// Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <string>

#include "harness/base/exit_code.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/fd.h"

namespace blendbench {

class BlockLock {
 public:
  // Takes the lock (flock, which a shared file system keeps for all its machines) and writes `holder` into it. Waits
  // up to `wait_s`; then kEnvironment names who holds it. kInterrupted when the user does not want to wait.
  static Result<BlockLock> Take(const std::filesystem::path& file, const std::string& holder,
                                double wait_s, const Interrupt& interrupt);

 private:
  explicit BlockLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;  // the file stays: removing it would race
};

}  // namespace blendbench
