// SPDX-License-Identifier: MIT
#include "harness/measure/promise_checks.h"

#include <algorithm>
#include <optional>

#include "harness/base/text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr size_t kMaxChecks = 64;
constexpr size_t kMaxDetailBytes = 512;
constexpr char kReleaseCheck[] = "system-release";
constexpr char kNextRelease[] = "2";

const Promise* Find(const std::vector<Promise>& promises, const std::string& check) {
  const auto found = std::find_if(promises.begin(), promises.end(),
                                  [&](const Promise& promise) { return promise.check == check; });
  return found == promises.end() ? nullptr : &*found;
}

}  // namespace

Outcome<std::vector<Promise>> ParsePromises(std::string_view output) {
  std::vector<Promise> promises;
  while (!output.empty()) {
    const size_t line_end = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, line_end);
    output.remove_prefix(std::min(line_end + 1, output.size()));
    const std::optional<nlohmann::json> object = ParseHostileJson(line);
    if (!object) continue;
    const std::optional<std::string> check = StringMember(*object, "check");
    const std::optional<bool> held = BoolMember(*object, "held");
    if (!check || !held || !IsPlainName(*check, "-")) continue;
    if (Find(promises, *check) != nullptr)
      return Unexpected("the check " + *check + " was reported twice");
    if (promises.size() == kMaxChecks) return Unexpected("more checks than there can be");
    const std::string detail = CleanText(StringMember(*object, "detail").value_or(""));
    promises.push_back({*check, *held, Truncate(detail, kMaxDetailBytes)});
  }
  if (promises.empty()) return Unexpected("the guest reported no check");
  return promises;
}

Promise JudgeUpgrade(const UpgradeFindings& findings) {
  std::vector<std::string> lost;
  const Promise* release = Find(findings.after, kReleaseCheck);
  if (release == nullptr || release->detail != kNextRelease) lost.push_back("the new release");
  if (!findings.etc_change_kept) lost.push_back("a change below /etc");
  if (!findings.home_change_kept) lost.push_back("a file in the home directory");
  for (const Promise& before : findings.before) {
    if (!before.held || before.check == kReleaseCheck) continue;
    const Promise* after = Find(findings.after, before.check);
    if (after == nullptr || !after->held) lost.push_back(before.check);
  }
  return {"upgrade-keeps-changes", lost.empty(),
          lost.empty() ? "everything the user changed is there" : "lost: " + Join(lost, ", ")};
}

}  // namespace blendbench
