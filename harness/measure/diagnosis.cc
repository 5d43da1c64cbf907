// SPDX-License-Identifier: MIT
#include "harness/measure/diagnosis.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "harness/base/text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr size_t kMaxNameBytes = 120;
constexpr size_t kMaxTextBytes = 4000;

// "1min", "2.345s", "67ms", "890us"; nullopt for anything else.
std::optional<double> Span(const std::string& word) {
  static const std::pair<const char*, double> kUnits[] = {
      {"min", 60}, {"ms", 1e-3}, {"us", 1e-6}, {"s", 1}, {"h", 3600}};
  const size_t digits = word.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string::npos) return std::nullopt;
  double value = 0;
  if (!(std::istringstream(word.substr(0, digits)) >> value)) return std::nullopt;
  for (const auto& [name, seconds] : kUnits)
    if (word.substr(digits) == name) return value * seconds;
  return std::nullopt;
}

}  // namespace

std::vector<UnitTime> ParseBlame(std::string_view output, size_t most) {
  std::vector<UnitTime> units;
  std::istringstream text(CleanText(output));
  for (std::string line; std::getline(text, line) && units.size() < 1000;) {
    std::istringstream words(line);
    UnitTime unit;
    bool timed = false;
    for (std::string word; words >> word;) {
      if (const auto span = Span(word)) {
        unit.seconds += *span;
        timed = true;
      } else {
        unit.unit = word;
        break;
      }
    }
    if (!timed || unit.unit.find('.') == std::string::npos) continue;
    unit.unit = Truncate(unit.unit, kMaxNameBytes);
    units.push_back(std::move(unit));
  }
  std::stable_sort(units.begin(), units.end(),
                   [](const UnitTime& a, const UnitTime& b) { return a.seconds > b.seconds; });
  if (units.size() > most) units.resize(most);
  return units;
}

Outcome<nlohmann::json> AskForUnits(Guest& guest, Deadline deadline) {
  // systemd-analyze refuses to answer before the last job is done.
  const Outcome<std::string> blame = guest.agent().RunScript(
      "systemctl is-system-running --wait >/dev/null 2>&1; exec systemd-analyze blame --no-pager",
      deadline);
  if (!blame) return Unexpected(blame.error());
  nlohmann::json told{{"units", nlohmann::json::array()}};
  for (const UnitTime& unit : ParseBlame(*blame))
    told["units"].push_back({{"unit", unit.unit}, {"s", unit.seconds}});
  const std::pair<const char*, const char*> texts[] = {
      {"summary", "exec systemd-analyze time --no-pager"},
      {"critical_chain", "exec systemd-analyze critical-chain --no-pager"}};
  for (const auto& [name, script] : texts)
    if (const Outcome<std::string> said = guest.agent().RunScript(script, deadline))
      told[name] = Truncate(CleanText(*said), kMaxTextBytes);
  return told;
}

}  // namespace blendbench
