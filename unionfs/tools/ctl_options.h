// SPDX-License-Identifier: MIT
// The command line of blendctl: COMMAND -o lowerdir=...[,upperdir=...,workdir=...] [OPTION...] [OPERAND...] for what works on
// layers, COMMAND [OPTION...] [OPERAND...] for what works on a mount.
// Pure. Thread-safety: values only. Errors: one line that names the word at fault and the remedy.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "unionfs/layer/stack.h"

namespace blendfs::tools {

struct CtlOptions {
  enum class Command { kHelp, kVersion, kExplain, kCheck, kDiff, kFlatten, kStat, kLog };
  enum class Form { kText, kJson, kPrometheus };
  Command command = Command::kHelp;
  layer::StackConfig stack;
  Form form = Form::kText;
  bool repair = false;  // check
  std::string tar;      // diff: a file, "-" for standard output; "" for a list
  std::vector<std::string>
      operands;             // explain: paths in the union; flatten: the directory to write
  std::string mount_point;  // stat, log
  std::string log_level;    // log

  bool json() const { return form == Form::kJson; }
  bool about_mount() const { return command == Command::kStat || command == Command::kLog; }
};

tl::expected<CtlOptions, std::string> ParseCtlOptions(const std::vector<std::string>& arguments);

std::string CtlUsage();

}  // namespace blendfs::tools
