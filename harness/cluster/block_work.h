// SPDX-License-Identifier: MIT
// One block of a bundle, on the machine that this is: what a task of an executor does. May be started again at any
// time and anywhere: it takes the block's lock, continues what this machine has begun, and does nothing when the block
// is done. What another machine has begun is set aside and measured again, for a block belongs to one machine.
// Thread-safety: one thread, the process's main one.
#pragma once

#include <filesystem>
#include <string>

#include "harness/cluster/bundle.h"

namespace blendbench {

struct BlockOrder {
  int block = 0;
  std::filesystem::path results;  // folder of the blocks' folders; made when it is missing
  std::filesystem::path
      scratch;  // folder on this machine's own disk; "" works in the block's folder
  std::filesystem::path images;  // instead of the bundle's folder of images; "" for that
  std::string node;              // what the machine is called; recorded
  std::string qemu = "qemu-system-x86_64";
  bool tune = false;
  bool keep_failed = false;
  double lock_wait_s = 120;
};

// kUsage for a block that the plan does not have, kEnvironment for what the machine lacks, and whatever ExecuteRun
// ends with.
Result<RunOutcome> DoBlock(const Bundle& bundle, const BlockOrder& order, Progress& progress,
                           const Interrupt& interrupt);

}  // namespace blendbench
