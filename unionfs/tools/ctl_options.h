// SPDX-License-Identifier: MIT
// The command line of blendctl: blendctl COMMAND -o lowerdir=...[,upperdir=...,workdir=...] [OPTION...] [OPERAND...].
// Pure. Thread-safety: values only. Errors: one line that names the word at fault and the remedy.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "unionfs/layer/stack.h"

namespace blendfs::tools {

struct CtlOptions {
  enum class Command { kHelp, kVersion, kExplain, kCheck, kDiff, kFlatten };
  Command command = Command::kHelp;
  layer::StackConfig stack;
  bool json = false;
  bool repair = false;  // check
  std::string tar;      // diff: a file, "-" for standard output; "" for a list
  std::vector<std::string>
      operands;  // explain: paths in the union; flatten: the directory to write
};

tl::expected<CtlOptions, std::string> ParseCtlOptions(const std::vector<std::string>& arguments);

std::string CtlUsage();

}  // namespace blendfs::tools
