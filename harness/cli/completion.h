// SPDX-License-Identifier: MIT
// Completion scripts for shells, made of the command line's own definition, so that they know every command and
// option that this blendbench has. Pure.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace blendbench {

// One option or argument of a command.
struct CompletedOption {
  std::vector<std::string> names;  // "-o", "--output"; empty for an argument
  std::string argument;            // "RUN"; "" for an option
  std::string description;         // one line
  bool takes_value = false;
  bool repeats = false;              // an argument that may be given several times
  std::vector<std::string> choices;  // what the value may be, when that is a list
  std::string candidates;            // one of CandidateKinds() when blendbench tells, "" for files
};

struct CompletedCommand {
  std::string name;
  std::string description;
  std::vector<CompletedOption> options;
  std::vector<CompletedCommand> commands;  // of its own: adopt, list, ... of baseline
};

// What `completion --candidates` can be asked for.
const std::vector<std::string>& CandidateKinds();

std::vector<CompletedCommand> CommandsOf(const CLI::App& app);

std::string BashCompletion(const std::vector<CompletedCommand>& commands);
std::string ZshCompletion(const std::vector<CompletedCommand>& commands);
std::string FishCompletion(const std::vector<CompletedCommand>& commands);

}  // namespace blendbench
