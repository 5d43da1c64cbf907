// SPDX-License-Identifier: MIT
#include "harness/cli/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "harness/base/text.h"

namespace blendbench {
namespace {

// The validator IsMember describes itself as "{a,b,c}" after the type's name.
std::vector<std::string> Choices(const std::string& type_name) {
  const size_t begin = type_name.find('{'), end = type_name.rfind('}');
  std::vector<std::string> choices;
  if (begin == std::string::npos || end == std::string::npos || end < begin) return choices;
  std::istringstream words(type_name.substr(begin + 1, end - begin - 1));
  for (std::string word; std::getline(words, word, ',');) choices.push_back(word);
  return choices;
}

// What blendbench itself can list for an argument or option of this name.
std::string CandidatesFor(const std::string& name) {
  static const std::map<std::string, std::string> kCandidates = {
      {"RUN", "runs"},      {"--run", "runs"},   {"--noise", "runs"},
      {"--from", "runs"},   {"B", "runs"},       {"A", "compared"},
      {"SPEC", "specs"},    {"CLAIM", "claims"}, {"--baseline", "compared"},
      {"NAME", "baselines"}};
  const auto found = kCandidates.find(name);
  return found == kCandidates.end() ? "" : found->second;
}

CompletedOption Complete(const CLI::Option& option) {
  CompletedOption made;
  for (const std::string& name : option.get_snames()) made.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) made.names.push_back("--" + name);
  if (option.get_positional()) made.argument = option.get_name(true, false);
  made.description = OneLine(option.get_description());
  made.takes_value = option.get_items_expected_max() > 0;
  made.repeats = option.get_items_expected_max() > 1;
  made.choices = Choices(option.get_type_name());
  made.candidates = CandidatesFor(made.names.empty() ? made.argument : made.names.back());
  return made;
}

// Inside single quotes of a POSIX shell.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string Lookup(const std::string& candidates) {
  return fmt::format("blendbench completion --candidates {}", candidates);
}

// Sets COMPREPLY to words or files. What is looked up comes from runs' folders: `compgen -W` would expand it, and
// carry out what is written in it.
std::string BashReply(const CompletedOption& option) {
  if (!option.choices.empty())
    return fmt::format("COMPREPLY=($(compgen -W {} -- \"$cur\"))",
                       Quoted(Join(option.choices, " ")));
  if (!option.candidates.empty())
    return fmt::format("_blendbench_lines < <({} ${{run:+--run \"$run\"}} 2>/dev/null)",
                       Lookup(option.candidates));
  return "COMPREPLY=($(compgen -f -- \"$cur\"))";
}

// `name` is that of the command after those it belongs to: "baseline adopt".
void AddBashCommand(const CompletedCommand& command, const std::string& name, std::string& script) {
  std::string words, values, arguments;
  int position = 0;
  for (const CompletedOption& option : command.options) {
    for (const std::string& word : option.names) words += (words.empty() ? "" : " ") + word;
    if (!option.names.empty() && option.takes_value)
      values +=
          fmt::format("        {}) {}; return ;;\n", Join(option.names, "|"), BashReply(option));
    if (option.argument.empty()) continue;
    const std::string place = option.repeats ? "*" : std::to_string(position++);
    arguments += fmt::format("        {}) {} ;;\n", place, BashReply(option));
  }
  script += fmt::format("    {})\n      words={}\n", Quoted(name), Quoted(words));
  if (!values.empty()) script += "      case $prev in\n" + values + "      esac\n";
  script +=
      "      if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n";
  script += "        return\n      fi\n";
  if (!arguments.empty()) script += "      case $position in\n" + arguments + "      esac\n";
  script += "      ;;\n";
  for (const CompletedCommand& own : command.commands)
    AddBashCommand(own, name + " " + own.name, script);
}

std::string NamesOf(const std::vector<CompletedCommand>& commands) {
  std::vector<std::string> names;
  for (const CompletedCommand& command : commands) names.push_back(command.name);
  return Join(names, " ");
}

// Every option that is followed by a value, once.
void AddNamesWithValue(const std::vector<CompletedCommand>& commands,
                       std::set<std::string>& names) {
  for (const CompletedCommand& command : commands) {
    for (const CompletedOption& option : command.options)
      if (option.takes_value) names.insert(option.names.begin(), option.names.end());
    AddNamesWithValue(command.commands, names);
  }
}

// In zsh's specifications a colon and a bracket have a meaning of their own.
std::string ZshText(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string ZshValue(const CompletedOption& option) {
  if (!option.choices.empty()) return "(" + Join(option.choices, " ") + ")";
  return option.candidates.empty() ? "_files" : "_blendbench_" + option.candidates;
}

std::string ZshDescribed(const std::vector<CompletedCommand>& commands) {
  std::string lines;
  for (const CompletedCommand& command : commands)
    lines += fmt::format(" \\\n    {}", Quoted(command.name + ":" + ZshText(command.description)));
  return lines;
}

// What follows the command's name: its options and arguments, or its own commands and theirs.
std::string ZshArguments(const CompletedCommand& command) {
  std::string script = "_arguments";
  if (!command.commands.empty()) {
    script += fmt::format(
        " -C '1: :->own' '*::argument:->rest'\n  case $state in\n    own) local -a "
        "own=({})\n      _describe command own ;;\n    rest) case $line[1] in\n",
        ZshDescribed(command.commands));
    for (const CompletedCommand& own : command.commands)
      script += fmt::format("        {}) {} ;;\n", own.name, ZshArguments(own));
    return script + "      esac ;;\n  esac";
  }
  for (const CompletedOption& option : command.options) {
    const std::string value = option.takes_value ? ":value:" + ZshValue(option) : "";
    for (const std::string& name : option.names)
      script += fmt::format(" \\\n          {}",
                            Quoted(name + "[" + ZshText(option.description) + "]" + value));
    if (!option.argument.empty())
      script += fmt::format(" \\\n          {}",
                            Quoted((option.repeats ? "*:" : ":") + ZshText(option.argument) + ":" +
                                   ZshValue(option)));
  }
  return script;
}

// A command's options and arguments, offered where `when` holds.
std::string FishOptions(const CompletedCommand& command, const std::string& when) {
  std::string script;
  for (const CompletedOption& option : command.options) {
    std::string line = fmt::format("complete -c blendbench -n \"{}\"", when);
    for (const std::string& name : option.names)
      line += name.rfind("--", 0) == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
    if (!option.choices.empty()) {
      line += " -x -a " + Quoted(Join(option.choices, " "));
    } else if (!option.candidates.empty()) {
      line += fmt::format(" -a \"({} 2>/dev/null)\"", Lookup(option.candidates)) +
              (option.names.empty() ? " -F" : " -r");
    } else if (option.takes_value) {
      line += option.names.empty() ? " -F" : " -r -F";
    }
    script += line + " -d " + Quoted(option.description) + "\n";
  }
  return script;
}

}  // namespace

const std::vector<std::string>& CandidateKinds() {
  static const std::vector<std::string> kKinds = {"runs", "specs", "claims", "baselines",
                                                  "compared"};
  return kKinds;
}

std::vector<CompletedCommand> CommandsOf(const CLI::App& app) {
  std::vector<CompletedCommand> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CompletedCommand made{
        command->get_name(), OneLine(command->get_description()), {}, CommandsOf(*command)};
    for (const CLI::Option* option : command->get_options())
      made.options.push_back(Complete(*option));
    commands.push_back(std::move(made));
  }
  return commands;
}

std::string BashCompletion(const std::vector<CompletedCommand>& commands) {
  std::set<std::string> with_value;
  AddNamesWithValue(commands, with_value);
  std::string own;
  for (const CompletedCommand& command : commands)
    if (!command.commands.empty())
      own += fmt::format("    {}) own={} ;;\n", command.name, Quoted(NamesOf(command.commands)));
  std::string script = fmt::format(
      R"(# blendbench's completion for bash, made by `blendbench completion bash`.
_blendbench_lines() {{
  local line
  while IFS= read -r line; do [[ $line == "$cur"* ]] && COMPREPLY+=("$line"); done
}}
_blendbench() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} words= run= i position=0
  local command=${{COMP_WORDS[1]}} own= first=2
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W '{} --help --version' -- "$cur"))
    return
  fi
  # Commands that have commands of their own.
  case $command in
{}  esac
  if [[ -n $own ]]; then
    if [[ $COMP_CWORD -eq 2 ]]; then
      COMPREPLY=($(compgen -W "$own --help" -- "$cur"))
      return
    fi
    command+=" ${{COMP_WORDS[2]}}" first=3
  fi
  # How many arguments stand before the cursor, options and their values apart.
  for ((i = first; i < COMP_CWORD; i++)); do
    if [[ ${{COMP_WORDS[i]}} == -* ]]; then
      [[ ' {} ' == *" ${{COMP_WORDS[i]}} "* ]] && ((i++))
    else
      [[ $position -eq 0 ]] && run=${{COMP_WORDS[i]}}
      ((position++))
    fi
  done
  case $command in
)",
      NamesOf(commands), own,
      Join(std::vector<std::string>(with_value.begin(), with_value.end()), " "));
  for (const CompletedCommand& command : commands) AddBashCommand(command, command.name, script);
  return script + "  esac\n}\ncomplete -o filenames -F _blendbench blendbench\n";
}

std::string ZshCompletion(const std::vector<CompletedCommand>& commands) {
  std::string script =
      "#compdef blendbench\n# blendbench's completion for zsh, made by `blendbench completion "
      "zsh`.\n";
  for (const std::string& kind : CandidateKinds()) {
    if (kind == "claims") continue;  // those of the run that stands before
    script +=
        fmt::format("_blendbench_{0}() {{ compadd -- ${{(f)\"$({1} 2>/dev/null)\"}}; _files }}\n",
                    kind, Lookup(kind));
  }
  script += fmt::format(
      "_blendbench_claims() {{ local -a given=(${{words[2,-1]:#-*}}); compadd -- ${{(f)\"$({} "
      "--run "
      "${{given[1]}} 2>/dev/null)\"}} }}\n",
      Lookup("claims"));
  script += fmt::format("_blendbench() {{\n  local line state\n  local -a commands=({})\n",
                        ZshDescribed(commands));
  script +=
      "  _arguments -C '1: :->command' '*::argument:->rest'\n  case $state in\n"
      "    command) _describe command commands ;;\n    rest)\n      case $line[1] in\n";
  for (const CompletedCommand& command : commands)
    script += fmt::format("        {}) {} ;;\n", command.name, ZshArguments(command));
  return script +
         "      esac ;;\n  esac\n}\nif [[ $funcstack[1] == _blendbench ]]; then _blendbench "
         "\"$@\"; "
         "else compdef _blendbench blendbench; fi\n";
}

std::string FishCompletion(const std::vector<CompletedCommand>& commands) {
  std::string script =
      "# blendbench's completion for fish, made by `blendbench completion fish`.\n";
  std::set<std::string> nested;  // commands of other commands, which may bear a command's name
  std::string parents;
  for (const CompletedCommand& command : commands) {
    if (command.commands.empty()) continue;
    parents += " " + command.name;
    for (const CompletedCommand& own : command.commands) nested.insert(own.name);
  }
  script += fmt::format("set -l commands {}\ncomplete -c blendbench -f\n", NamesOf(commands));
  for (const CompletedCommand& command : commands) {
    script += fmt::format(
        "complete -c blendbench -n \"not __fish_seen_subcommand_from $commands\" -a {} -d {}\n",
        command.name, Quoted(command.description));
    std::string seen = "__fish_seen_subcommand_from " + command.name;
    if (nested.count(command.name) != 0) seen += "; and not __fish_seen_subcommand_from" + parents;
    if (command.commands.empty()) script += FishOptions(command, seen);
    for (const CompletedCommand& own : command.commands) {
      script += fmt::format(
          "complete -c blendbench -n \"{}; and not __fish_seen_subcommand_from {}\" -a {} -d {}\n",
          seen, NamesOf(command.commands), own.name, Quoted(own.description));
      script += FishOptions(own, seen + "; and __fish_seen_subcommand_from " + own.name);
    }
  }
  return script;
}

}  // namespace blendbench
