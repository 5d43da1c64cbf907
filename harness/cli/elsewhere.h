// SPDX-License-Identifier: MIT
// The options and commands for experiments on other machines: run's --executor, collect, block. app.cc adds and
// dispatches them by these functions. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "harness/cli/commands.h"

namespace blendbench {

struct BlockCommandOptions {
  int block = 0;
  std::string bundle;
  std::string results;
  std::string scratch;
  std::string images;
  std::string node;
  std::string qemu;
  bool check = false;
  bool tune = false;
  bool keep_failed = false;
  bool json = false;
};

struct ElsewhereOptions {
  RunChoice collect;
  BlockCommandOptions block;
};

// --executor and what belongs to it. `options` outlives the parsing, as everywhere here.
void AddExecutorOptions(CLI::App& run, ClusterConfig& options);

void DefineElsewhere(CLI::App& app, ElsewhereOptions& options);
// Carries out the command that was parsed; nullopt when it is none of these.
std::optional<int> DispatchElsewhere(const CLI::App& app, const ElsewhereOptions& options, Io& io);

int CollectCommand(const RunChoice& options, Io& io);
int BlockCommand(const BlockCommandOptions& options, Io& io);

}  // namespace blendbench
