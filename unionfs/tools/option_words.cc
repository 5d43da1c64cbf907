// SPDX-License-Identifier: MIT
#include "unionfs/tools/option_words.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>

namespace blendfs::tools {
namespace {

using Complaint = std::optional<std::string>;

struct FlagWord {
  std::string_view word;
  unsigned long flag;
  bool set;
};
constexpr auto kFlagWords = std::to_array<FlagWord>({
    {"ro", MS_RDONLY, true},
    {"rw", MS_RDONLY, false},
    {"nosuid", MS_NOSUID, true},
    {"suid", MS_NOSUID, false},
    {"nodev", MS_NODEV, true},
    {"dev", MS_NODEV, false},
    {"noexec", MS_NOEXEC, true},
    {"exec", MS_NOEXEC, false},
    {"noatime", MS_NOATIME, true},
    {"atime", MS_NOATIME, false},
    {"nodiratime", MS_NODIRATIME, true},
    {"diratime", MS_NODIRATIME, false},
    {"relatime", MS_RELATIME, true},
    {"norelatime", MS_RELATIME, false},
    {"strictatime", MS_STRICTATIME, true},
    {"nostrictatime", MS_STRICTATIME, false},
    {"lazytime", MS_LAZYTIME, true},
    {"nolazytime", MS_LAZYTIME, false},
    {"sync", MS_SYNCHRONOUS, true},
    {"async", MS_SYNCHRONOUS, false},
    {"dirsync", MS_DIRSYNC, true},
    {"silent", MS_SILENT, true},
    {"loud", MS_SILENT, false},
});

// Words of fstab and mount(8) that are not for the file system.
constexpr auto kIgnoredWords = std::to_array<std::string_view>(
    {"defaults", "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "group", "nofail",
     "_netdev", "default_permissions", "big_writes", "nonempty", "mand", "nomand", "iversion",
     "noiversion"});
constexpr auto kIgnoredPrefixes =
    std::to_array<std::string_view>({"x-", "X-", "comment=", "uhelper=", "helper="});
constexpr auto kKernelPrefixes =
    std::to_array<std::string_view>({"context=", "fscontext=", "defcontext=", "rootcontext="});

bool StartsWithAny(std::string_view word, std::span<const std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view p) { return word.starts_with(p); });
}

std::string Allowed(std::string_view key, std::string_view value, std::string_view allowed) {
  return std::string(key) + "=" + std::string(value) + " is not known: use " + std::string(allowed);
}

Complaint ParseNumber(std::string_view key, std::string_view value, unsigned low, unsigned high,
                      unsigned& out) {
  unsigned number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < low || number > high) {
    return std::string(key) + "=" + std::string(value) + ": use a number from " +
           std::to_string(low) + " to " + std::to_string(high);
  }
  out = number;
  return {};
}

Complaint ApplyLowers(std::string_view value, Options& options) {
  options.stack.lowers.clear();
  for (const std::string& part : SplitUnescaped(value, ':')) {
    if (part.empty()) {
      return "lowerdir= has an empty part: separate directories by one ':', and write '\\:' for a "
             "colon in a name "
             "(data-only layers, '::', are not supported)";
    }
    options.stack.lowers.push_back(Unescape(part));
  }
  if (options.stack.lowers.size() >= layer::kMaxLayers) {
    return "lowerdir= names " + std::to_string(options.stack.lowers.size()) +
           " directories: at most " + std::to_string(layer::kMaxLayers - 1) + " are possible";
  }
  return {};
}

Complaint ApplyFsync(std::string_view value, Options& options) {
  if (value != "auto" && value != "strict" && value != "volatile")
    return Allowed("fsync", value, "auto, strict or volatile");
  options.merge.strict_sync = value == "strict";
  bool is_volatile = value == "volatile";
  options.stack.volatile_upper = options.merge.volatile_upper = options.session.volatile_upper =
      is_volatile;
  return {};
}

// overlayfs's switches. What blendfs does is written in the note where it is not what was asked.
Complaint ApplyOverlayWord(std::string_view key, std::string_view value, Options& options) {
  auto note = [&](const char* text) {
    options.notes.push_back(std::string(key) + "=" + std::string(value) + ": " + text);
  };
  if (key == "redirect_dir") {
    if (value != "on" && value != "off" && value != "follow" && value != "nofollow") {
      return Allowed(key, value, "on, off, follow or nofollow");
    }
    using layer::Redirects;
    options.stack.redirects = value == "on"         ? Redirects::kMake
                              : value == "nofollow" ? Redirects::kRefuse
                                                    : Redirects::kFollow;
    return {};
  }
  if (key == "index" || key == "nfs_export" || key == "metacopy") {
    if (value != "on" && value != "off") return Allowed(key, value, "on or off");
    if (key == "index" && value == "off")
      note("hard links of lower files are kept together by an index all the same");
    if (key == "nfs_export" && value == "on") return "nfs_export=on is not supported: leave it out";
    if (key == "metacopy") {
      options.merge.metadata_only_copies = value == "on";
      if (value == "off")
        note("metadata-only copies that a layer has already are read all the same");
    }
    return {};
  }
  if (key == "xino") {
    if (value != "on" && value != "off" && value != "auto")
      return Allowed(key, value, "on, off or auto");
    if (value == "off") note("inode numbers are constant and unique in any case");
    return {};
  }
  if (key == "uuid") {
    if (value != "on" && value != "off" && value != "null" && value != "auto")
      return Allowed(key, value, "on, off, null or auto");
    return {};
  }
  // verity
  if (value != "off") return "verity=" + std::string(value) + " is not supported: leave it out";
  return {};
}

bool IsOverlayKey(std::string_view key) {
  for (std::string_view each :
       {"redirect_dir", "index", "nfs_export", "metacopy", "xino", "uuid", "verity"}) {
    if (key == each) return true;
  }
  return false;
}

Complaint ApplyKeyValue(std::string_view key, std::string_view value, Options& options) {
  if (key == "lowerdir") return ApplyLowers(value, options);
  if (key == "fsync") return ApplyFsync(value, options);
  if (IsOverlayKey(key)) return ApplyOverlayWord(key, value, options);
  if (key == "threads") return ParseNumber(key, value, 1, 1024, options.session.threads);
  if (key == "descriptors") {
    return ParseNumber(key, value, 16, 1'000'000'000, options.descriptors);
  }
  if (key == "spin") {
    unsigned microseconds = 0;
    if (auto wrong = ParseNumber(key, value, 0, 1000, microseconds)) return wrong;
    options.session.look_for = std::chrono::microseconds(microseconds);
    return {};
  }
  if (key == "passthrough") {
    if (value != "auto" && value != "off") return Allowed(key, value, "auto or off");
    options.session.passthrough = value == "auto";
    return {};
  }
  if (value.empty()) return std::string(key) + "= is empty: give it a value";
  if (key == "upperdir") options.stack.upper = Unescape(value);
  if (key == "workdir") options.stack.work = Unescape(value);
  if (key == "fsname") options.session.mount.source = Unescape(value);
  if (key == "subtype") options.session.mount.subtype = Unescape(value);
  if (key == "stats") {
    options.session.statistics = true;
    options.session.statistics_file = Unescape(value);
  }
  return {};
}

bool IsKeyWithValue(std::string_view key) {
  for (std::string_view each :
       {"lowerdir", "upperdir", "workdir", "fsync", "threads", "descriptors", "spin", "passthrough",
        "fsname", "subtype", "stats"}) {
    if (key == each) return true;
  }
  return IsOverlayKey(key);
}

// Words without a value; false if it is none of them.
bool ApplySwitch(std::string_view word, Options& options) {
  if (word == "userxattr") {
    options.stack.userxattr = true;
  } else if (word == "volatile") {
    (void)ApplyFsync("volatile", options);
  } else if (word == "allow_other") {
    options.session.mount.allow_other = options.stack.for_others = true;
  } else if (word == "stats") {
    options.session.statistics = true;
  } else if (word == "debug") {
    options.session.debug = options.foreground = true;
  } else if (word == "remount") {
    options.action = Options::Action::kRemount;
  } else if (word == "rootfs") {
    options.root_file_system = true;
  } else if (word == "io_uring") {
    options.session.io_uring = true;
  } else if (word == "clone_fd") {
    options.session.clone_device = true;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> ApplyWord(const std::string& word, Options& options) {
  size_t equals = word.find('=');
  if (equals != std::string::npos) {
    std::string_view key = std::string_view(word).substr(0, equals);
    if (IsKeyWithValue(key))
      return ApplyKeyValue(key, std::string_view(word).substr(equals + 1), options);
  }
  if (ApplySwitch(word, options)) return {};
  for (const FlagWord& each : kFlagWords) {
    if (each.word != word) continue;
    unsigned long& flags = options.session.mount.flags;
    flags = each.set ? flags | each.flag : flags & ~each.flag;
    return {};
  }
  if (std::find(kIgnoredWords.begin(), kIgnoredWords.end(), word) != kIgnoredWords.end()) return {};
  if (StartsWithAny(word, kIgnoredPrefixes)) return {};
  if (StartsWithAny(word, kKernelPrefixes)) {
    options.session.mount.kernel_options.push_back(Unescape(word));
    return {};
  }
  if (IsKeyWithValue(word)) return "option " + word + " needs a value: " + word + "=...";
  return "unknown option '" + word + "': blendfs --help lists the options";
}

}  // namespace blendfs::tools
