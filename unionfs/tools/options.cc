// SPDX-License-Identifier: MIT
#include "unionfs/tools/options.h"

#include <sys/mount.h>

#include <optional>

#include "unionfs/tools/option_words.h"

namespace blendfs::tools {
namespace {

using Failure = tl::unexpected<std::string>;

std::optional<std::string> CheckStack(const layer::StackConfig& stack) {
  if (stack.lowers.empty()) return "lowerdir= is missing: -o lowerdir=TOP:...:BOTTOM";
  if (stack.upper.empty() && !stack.work.empty())
    return "workdir= without upperdir=: give both, or neither for a read-only mount";
  if (!stack.upper.empty() && stack.work.empty()) {
    return "upperdir= without workdir=: give an empty directory on the same file system as the "
           "upper";
  }
  return {};
}

sys::MountChange UpperMount(unsigned long flags) {
  using Times = sys::MountChange::AccessTimes;
  sys::MountChange change;
  if ((flags & MS_STRICTATIME) != 0) change.access_times = Times::kAlways;
  if ((flags & MS_NOATIME) != 0) change.access_times = Times::kNever;
  change.no_directory_access_times = (flags & MS_NODIRATIME) != 0;
  return change;
}

// The command line cut into -o words, switches and operands; what depends on their sum comes after.
class Parser {
 public:
  explicit Parser(const Invocation& invocation) : arguments_(invocation.arguments) {
    options_.root_file_system = invocation.program.starts_with("@");
    const size_t slash = invocation.program.rfind('/');
    const size_t name = slash == std::string::npos ? 0 : slash + 1;
    as_mount_helper_ = invocation.program.compare(name, 6, "mount.") == 0;
    if (invocation.privileged) {
      options_.session.mount.allow_other = options_.stack.for_others = true;
    } else {
      options_.session.mount.flags = MS_NOSUID | MS_NODEV;
    }
  }

  tl::expected<Options, std::string> Parse() {
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (auto complaint = Take(i)) return Failure(*complaint);
      if (options_.action == Options::Action::kHelp ||
          options_.action == Options::Action::kVersion ||
          options_.action == Options::Action::kNothing) {
        return options_;
      }
    }
    // A remount is told all that /proc/mounts has, but changes only the flags.
    const bool remount = options_.action == Options::Action::kRemount;
    if (unknown_word_ && !remount && !sloppy_) return Failure(*unknown_word_);
    if (auto complaint = CheckOperands()) return Failure(*complaint);
    if (remount) return options_;
    if (auto complaint = CheckLayers()) return Failure(*complaint);
    return options_;
  }

 private:
  using Complaint = std::optional<std::string>;

  // Handles argument i, and moves i on over a value that belongs to it.
  Complaint Take(size_t& i) {
    const std::string& argument = arguments_[i];
    if (only_operands_ || argument.empty() || argument[0] != '-' || argument == "-") {
      operands_.push_back(argument);
      return {};
    }
    if (argument == "--") {
      only_operands_ = true;
    } else if (argument == "-o" || argument == "-t") {
      if (i + 1 == arguments_.size()) return argument + " needs a value after it";
      ++i;
      if (argument == "-o") return TakeWords(arguments_[i]);
    } else if (argument.starts_with("-o")) {
      return TakeWords(std::string_view(argument).substr(2));
    } else {
      return TakeSwitch(argument);
    }
    return {};
  }

  Complaint TakeWords(std::string_view words) {
    for (const std::string& word : SplitUnescaped(words, ',')) {
      if (word.empty()) continue;
      auto complaint = ApplyWord(word, options_);
      if (!complaint) continue;
      if (!complaint->starts_with("unknown option")) return complaint;
      if (!unknown_word_) unknown_word_ = complaint;
    }
    return {};
  }

  // mount(8) calls its helpers with switches of its own: -f means to go through the motions only, -s that
  // unknown words are to be passed over, -n and -v what they mean there.
  bool TakeHelperSwitch(const std::string& argument) {
    if (!as_mount_helper_) return false;
    for (const char letter : std::string_view(argument).substr(1)) {
      if (std::string_view("fnsv").find(letter) == std::string_view::npos) return false;
    }
    if (argument.find('f') != std::string::npos) options_.action = Options::Action::kNothing;
    if (argument.find('s') != std::string::npos) sloppy_ = true;
    return true;
  }

  Complaint TakeSwitch(const std::string& argument) {
    if (TakeHelperSwitch(argument)) return {};
    if (argument == "-f" || argument == "--foreground") {
      options_.foreground = true;
    } else if (argument == "-d" || argument == "--debug") {
      options_.session.debug = options_.foreground = true;
    } else if (argument == "-s") {
      options_.session.threads = 1;
    } else if (argument == "-r" || argument == "--read-only") {
      options_.session.mount.flags |= MS_RDONLY;
    } else if (argument == "-h" || argument == "--help") {
      options_.action = Options::Action::kHelp;
    } else if (argument == "-V" || argument == "--version") {
      options_.action = Options::Action::kVersion;
    } else if (argument != "-n" && argument != "-v" &&
               argument != "-w") {  // mount(8) may pass these
      return "unknown argument '" + argument + "': blendfs --help lists them";
    }
    return {};
  }

  Complaint CheckOperands() {
    if (operands_.empty()) return "no mount point given: blendfs -o lowerdir=TOP:BOTTOM MOUNTPOINT";
    if (operands_.size() > 2)
      return "too many operands ('" + operands_[2] + "'): give [SOURCE] MOUNTPOINT";
    fuse::MountConfig& mount = options_.session.mount;
    if (operands_.size() == 2 && mount.source == "blendfs" && !operands_[0].empty())
      mount.source = operands_[0];
    mount.target = operands_.back();
    if (mount.target.empty()) return "the mount point is empty";
    return {};
  }

  Complaint CheckLayers() {
    if (auto complaint = CheckStack(options_.stack)) return complaint;
    if (options_.stack.upper.empty()) options_.session.mount.flags |= MS_RDONLY;
    options_.stack.upper_mount = UpperMount(options_.session.mount.flags);
    options_.session.survive_signals = options_.root_file_system;
    return {};
  }

  const std::vector<std::string>& arguments_;
  std::vector<std::string> operands_;
  bool only_operands_ = false;
  bool as_mount_helper_ = false;
  bool sloppy_ = false;
  std::optional<std::string> unknown_word_;
  Options options_;
};

}  // namespace

std::vector<std::string> SplitUnescaped(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == separator) {
      parts.emplace_back();
      continue;
    }
    if (text[i] == '\\' && i + 1 < text.size()) parts.back().push_back(text[i++]);
    parts.back().push_back(text[i]);
  }
  return parts;
}

std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain.push_back(text[i]);
  }
  return plain;
}

tl::expected<Options, std::string> ParseOptions(const Invocation& invocation) {
  return Parser(invocation).Parse();
}

tl::expected<layer::StackConfig, std::string> ParseLayers(const std::vector<std::string>& words) {
  Options options;
  for (const std::string& list : words) {
    for (const std::string& word : SplitUnescaped(list, ',')) {
      if (word.empty()) continue;
      if (auto complaint = ApplyWord(word, options)) return Failure(*complaint);
    }
  }
  options.stack.volatile_upper = false;
  if (auto complaint = CheckStack(options.stack)) return Failure(*complaint);
  return options.stack;
}

std::string Usage() {
  return
      R"(usage: blendfs [-f] [-d] -o lowerdir=TOP:...:BOTTOM[,upperdir=DIR,workdir=DIR][,OPTION...] [SOURCE] MOUNTPOINT

Merges directories into one. Without upperdir= the result is read-only. Returns when the mount is ready.

  -f, --foreground     stay in the foreground (messages on standard error)
  -d, --debug          log every request; implies -f
  -h, --help           this text
  -V, --version        the version

Options (-o; '\,' '\:' and '\\' stand for the characters themselves in names):
  lowerdir=A:B:C       read-only directories, the topmost first
  upperdir=DIR         where changes go
  workdir=DIR          an empty directory on the upper's file system
  ro                   mount read-only
  userxattr            keep the format's attributes in user.overlay.* instead of trusted.overlay.*
  fsync=auto|strict|volatile
                       auto: the data of a copied-up file are on disk before it appears; strict: its metadata
                       too, and those of directories; volatile (or the word volatile): nothing is ever synced, and
                       the upper is refused at the next mount
  passthrough=auto|off let the kernel read and write upper files by itself where it can (default auto)
  threads=N            at most N requests at a time (default 10)
  descriptors=N        keep at most N descriptors of directories below open, those used last (default 65536,
                       at most half of what the system lets a process have)
  spin=N               stay awake N microseconds for the next request (default 100; no use on one processor)
  stats[=FILE]         write counts of requests at the end, and on SIGUSR1; without FILE to the log
  allow_other          let other users in (always on for root)
  rootfs               serve as a root file system: memory is locked, signals to end are ignored. Also chosen by
                       a program name that begins with '@'
  io_uring, clone_fd   other ways to talk to the kernel
  redirect_dir= index= metacopy= xino= uuid=
                       overlayfs's; accepted, with a note where blendfs differs
  fsname= subtype= context= ...
                       and the usual words of mount(8): dev suid exec noatime ...
)";
}

}  // namespace blendfs::tools
