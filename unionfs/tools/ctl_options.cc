// SPDX-License-Identifier: MIT
#include "unionfs/tools/ctl_options.h"

#include <map>
#include <optional>

#include "unionfs/base/log.h"
#include "unionfs/tools/options.h"

namespace blendfs::tools {
namespace {

using Command = CtlOptions::Command;
using Form = CtlOptions::Form;
using Complaint = std::optional<std::string>;
using Failure = tl::unexpected<std::string>;

constexpr char kSeeHelp[] = ": blendctl --help lists what there is";

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  tl::expected<CtlOptions, std::string> Parse() {
    if (arguments_.empty()) return Failure(std::string("no command given") + kSeeHelp);
    if (auto complaint = TakeCommand(arguments_[0])) return Failure(*complaint);
    for (size_t i = 1; i < arguments_.size() && !IsQuestion(); ++i) {
      if (auto complaint = Take(i)) return Failure(*complaint);
    }
    if (IsQuestion()) return options_;
    if (options_.about_mount()) {
      if (auto complaint = CheckMount()) return Failure(*complaint);
      return options_;
    }
    auto stack = ParseLayers(words_);
    if (!stack) return Failure(stack.error());
    options_.stack = std::move(*stack);
    if (auto complaint = CheckAll()) return Failure(*complaint);
    return options_;
  }

 private:
  bool IsQuestion() const {
    return options_.command == Command::kHelp || options_.command == Command::kVersion;
  }

  Complaint TakeCommand(const std::string& word) {
    static const std::map<std::string, Command> kCommands = {
        {"explain", Command::kExplain}, {"check", Command::kCheck},      {"diff", Command::kDiff},
        {"flatten", Command::kFlatten}, {"stat", Command::kStat},        {"log", Command::kLog},
        {"help", Command::kHelp},       {"-h", Command::kHelp},          {"--help", Command::kHelp},
        {"-V", Command::kVersion},      {"--version", Command::kVersion}};
    const auto found = kCommands.find(word);
    if (found == kCommands.end()) return "unknown command '" + word + "'" + kSeeHelp;
    options_.command = found->second;
    name_ = word;
    return {};
  }

  // Handles argument i, and moves i on over a value that belongs to it.
  Complaint Take(size_t& i) {
    const std::string& argument = arguments_[i];
    const bool last = i + 1 == arguments_.size();
    if (only_operands_ || argument.empty() || argument[0] != '-' || argument == "-") {
      options_.operands.push_back(argument);
    } else if (argument == "--") {
      only_operands_ = true;
    } else if (argument == "-o" || argument == "--tar") {
      if (last) return argument + " needs a value after it";
      return TakeValue(argument, arguments_[++i]);
    } else if (argument.starts_with("--tar=")) {
      return TakeValue("--tar", argument.substr(6));
    } else if (argument.starts_with("-o")) {
      return TakeValue("-o", argument.substr(2));
    } else {
      return TakeSwitch(argument);
    }
    return {};
  }

  Complaint TakeValue(const std::string& key, const std::string& value) {
    if (key == "-o") {
      words_.push_back(value);
      if (options_.about_mount()) return "-o is not for " + name_ + ", which takes a mount point";
      return {};
    }
    if (options_.command != Command::kDiff) return "--tar is for diff, not for " + name_;
    if (value.empty()) return "--tar needs a file, or - for standard output";
    options_.tar = value;
    return {};
  }

  Complaint TakeSwitch(const std::string& argument) {
    if (argument == "-h" || argument == "--help") {
      options_.command = Command::kHelp;
    } else if (argument == "--json" && options_.command != Command::kFlatten &&
               options_.command != Command::kLog) {
      if (options_.form == Form::kPrometheus) return "--json and --prometheus: choose one";
      options_.form = Form::kJson;
    } else if (argument == "--prometheus" && options_.command == Command::kStat) {
      if (options_.form == Form::kJson) return "--json and --prometheus: choose one";
      options_.form = Form::kPrometheus;
    } else if (argument == "--repair" && options_.command == Command::kCheck) {
      options_.repair = true;
    } else if (argument == "--json" || argument == "--repair" || argument == "--prometheus") {
      return argument + " is not for " + name_ + kSeeHelp;
    } else {
      return "unknown argument '" + argument + "'" + kSeeHelp;
    }
    return {};
  }

  // stat [MOUNTPOINT], log LEVEL [MOUNTPOINT]
  Complaint CheckMount() {
    std::vector<std::string>& operands = options_.operands;
    if (options_.command == Command::kLog) {
      if (operands.empty()) {
        return "log needs a level: blendctl log error|warning|info|debug [MOUNTPOINT]";
      }
      options_.log_level = operands.front();
      if (!ParseLogLevel(options_.log_level)) {
        return "unknown level '" + options_.log_level + "': error, warning, info or debug";
      }
      operands.erase(operands.begin());
    }
    if (operands.size() > 1) {
      return "unexpected operand '" + operands[1] + "': " + name_ + " takes one mount point";
    }
    options_.mount_point = operands.empty() ? "/" : operands.front();
    return {};
  }

  Complaint CheckAll() const {
    const size_t operands = options_.operands.size();
    if (options_.command == Command::kExplain && operands == 0) {
      return "explain needs a path, as the union shows it: blendctl explain -o ... /etc/hosts";
    }
    if (options_.command == Command::kFlatten && operands != 1) {
      return "flatten needs one directory to write to: blendctl flatten -o ... DIR";
    }
    const bool about_upper =
        options_.command == Command::kCheck || options_.command == Command::kDiff;
    if (about_upper && operands != 0) {
      return "unexpected operand '" + options_.operands[0] + "': " + name_ + " takes none";
    }
    if (about_upper && options_.stack.upper.empty()) {
      return name_ + " is about an upper: give upperdir= and workdir= as well";
    }
    if (!options_.tar.empty() && options_.json()) return "--json and --tar: choose one";
    return {};
  }

  const std::vector<std::string>& arguments_;
  std::vector<std::string> words_;  // of -o
  std::string name_;                // of the command
  bool only_operands_ = false;
  CtlOptions options_;
};

}  // namespace

tl::expected<CtlOptions, std::string> ParseCtlOptions(const std::vector<std::string>& arguments) {
  return Parser(arguments).Parse();
}

std::string CtlUsage() {
  return
      R"(usage: blendctl COMMAND -o lowerdir=TOP:...:BOTTOM[,upperdir=DIR,workdir=DIR][,userxattr] [OPTION...]
       blendctl stat [--json | --prometheus] [MOUNTPOINT]
       blendctl log LEVEL [MOUNTPOINT]

Looks at the layers of a union without mounting it. -o takes what blendfs's takes.

  explain [--json] PATH...     why the union shows what it shows at a path: which layer provides it, what it
                               shadows, whiteouts, opaque directories, redirects, metadata-only copies, origin
  check [--repair] [--json]    verifies an upper that is not in use: leftovers of a crash, dangling origins, whiteouts
                               that hide nothing, copies without their data, redirects to nowhere, the index.
                               --repair mends what cannot lose data, and says what it did
  diff [--json | --tar FILE]   what the upper changes, as a list, or as a tar in the form of a container image's
                               layer (.wh. files; - for standard output)
  flatten DIR                  writes the merged tree to DIR, an empty directory or a new one

Looks at a union that is mounted, as root or as who mounted it. MOUNTPOINT is / unless given.

  stat [--json | --prometheus] what it has done and holds: requests, opens, copy-ups, bytes, cache sizes, hits by layer;
                               for people, as JSON, or in the text format of Prometheus
  log LEVEL                    sets its log level: error, warning, info or debug (every request)

  -h, --help                   this text
  -V, --version                the version

Exit status: 0 done, and check found nothing; 1 check found something, explain was asked for what is not there,
diff or flatten had to leave something out; 2 wrong use; 3 the layers or the mount cannot be looked at.
)";
}

}  // namespace blendfs::tools
