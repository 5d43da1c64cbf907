// SPDX-License-Identifier: MIT
#include "harness/cluster/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "harness/base/text.h"

namespace blendbench {
namespace {

constexpr size_t kLongestWord = 1000;
constexpr size_t kLongestHost = 255;
constexpr size_t kLongestValue = 256;

// What a user may say of where and when, and what they may not: it would change what a task is.
const std::vector<std::string>& FreeOptions() {
  static const std::vector<std::string> kNames = {
      "account",   "begin",   "comment",     "constraint",       "cpus-per-task",
      "deadline",  "exclude", "export",      "licenses",         "mail-type",
      "mail-user", "mem",     "nice",        "nodelist",         "partition",
      "priority",  "qos",     "reservation", "threads-per-core", "time",
      "tmp",       "wckey"};
  return kNames;
}

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool AllOf(std::string_view text, const char* others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return c != '\0' && (IsLetterOrDigit(c) || std::strchr(others, c) != nullptr);
  });
}

}  // namespace

bool IsPlainWord(std::string_view text) {
  return !text.empty() && text.size() <= kLongestWord && text.front() != '-' &&
         AllOf(text, "._/:@=+,-");
}

bool IsPlainPath(std::string_view text) {
  if (!IsPlainWord(text)) return false;
  while (true) {
    const size_t slash = text.find('/');
    const std::string_view part = text.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.front() == '-') return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

Result<void> CheckHosts(const std::vector<std::string>& hosts) {
  if (hosts.empty())
    return Fail(ExitCode::kUsage, "--executor ssh needs the machines: give --host NAME for each");
  std::set<std::string> seen;
  for (const std::string& host : hosts) {
    const size_t at = host.find('@');
    const std::string user = at == std::string::npos ? "" : host.substr(0, at);
    const std::string name = at == std::string::npos ? host : host.substr(at + 1);
    const bool good = host.size() <= kLongestHost && (at == std::string::npos || !user.empty()) &&
                      !name.empty() && AllOf(user, "._-") && AllOf(name, "._-") &&
                      (user.empty() || user.front() != '-') && name.front() != '-';
    if (!good)
      return Fail(ExitCode::kUsage,
                  fmt::format("--host {}: a host is [USER@]NAME of letters, digits, ., _ and -; "
                              "give other settings of it a Host entry in ssh's configuration",
                              OneLine(host)));
    if (!seen.insert(host).second)
      return Fail(ExitCode::kUsage, fmt::format("--host {}: given twice; blocks of one machine at "
                                                "once would disturb each other",
                                                host));
  }
  return {};
}

Result<std::string> SlurmArgument(const std::string& option) {
  const size_t equals = option.find('=');
  const std::string key = option.substr(0, equals);
  const std::vector<std::string>& known = FreeOptions();
  if (equals == std::string::npos || equals + 1 == option.size())
    return Fail(
        ExitCode::kUsage,
        fmt::format("--slurm-option {}: give KEY=VALUE, as in partition=long", OneLine(option)));
  if (std::find(known.begin(), known.end(), key) == known.end()) {
    const std::string nearest = Nearest(key, known);
    return Fail(
        ExitCode::kUsage,
        fmt::format("--slurm-option {}: not one that may be chosen{}; those are {}", OneLine(key),
                    nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest),
                    Join(known, ", ")));
  }
  const std::string value = option.substr(equals + 1);
  const bool printable =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable || value.size() > kLongestValue)
    return Fail(ExitCode::kUsage,
                fmt::format("--slurm-option {}: a value is at most {} printable ASCII characters",
                            key, kLongestValue));
  return "--" + option;
}

Result<std::vector<std::string>> SlurmArguments(const std::vector<std::string>& options) {
  std::vector<std::string> arguments;
  for (const std::string& option : options) {
    Result<std::string> argument = SlurmArgument(option);
    if (!argument) return tl::unexpected(argument.error());
    arguments.push_back(std::move(*argument));
  }
  return arguments;
}

}  // namespace blendbench
