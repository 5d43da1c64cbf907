// SPDX-License-Identifier: MIT
#include "harness/export/regression_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/export/json_parts.h"
#include "harness/export/tables.h"

namespace blendbench {
namespace {

using nlohmann::json;

// The order of a reader's interest.
constexpr Finding kOrder[] = {Finding::kRegressed, Finding::kLost,     Finding::kMissing,
                              Finding::kBlind,     Finding::kImproved, Finding::kUnchanged};

std::string Line(const MetricShift& shift) {
  return fmt::format("  {:<10} {} of {}{}: {}\n", FindingName(shift.finding), shift.metric.id,
                     shift.arm, shift.control ? " (control)" : "", shift.reason);
}

json ShiftJson(const MetricShift& shift) {
  json object = {{"metric", shift.metric.id},
                 {"label", shift.metric.label},
                 {"unit", shift.metric.unit},
                 {"better", shift.metric.lower_is_better ? "lower" : "higher"},
                 {"arm", shift.arm},
                 {"scale", shift.relative ? "relative" : "absolute"},
                 {"control", shift.control},
                 {"finding", FindingName(shift.finding)},
                 {"reason", shift.reason},
                 {"threshold", RatioJson(shift.threshold)},
                 {"p_holm", NumberJson(shift.p_holm)},
                 {"test", json()}};
  if (!shift.shift) return object;
  const stats::Shift& told = *shift.shift;
  object["test"] = {
      {"blocks_baseline", told.n_baseline},
      {"blocks", told.n_candidate},
      {"baseline_runs", told.runs},
      {"ratio", RatioJson(told.mean)},
      {"interval90", json::array({RatioJson(told.interval->low), RatioJson(told.interval->high)})},
      {"hodges_lehmann", RatioJson(told.hodges_lehmann)},
      {"standard_error_log", NumberJson(told.error)},
      {"degrees_of_freedom", NumberJson(told.degrees)},
      {"between_runs_sd_log", NumberJson(told.between_runs_sd)},
      {"p_worse", NumberJson(told.p_worse)},
      {"p_better", NumberJson(told.p_better)}};
  return object;
}

int Count(const GateResult& result, Finding finding) {
  return static_cast<int>(std::count_if(
      result.shifts.begin(), result.shifts.end(),
      [&](const MetricShift& shift) { return shift.finding == finding && !shift.control; }));
}

std::string Title(const Compared& compared) {
  std::string runs = Join(compared.runs, ", ");
  if (runs != compared.baseline)
    runs = fmt::format("{} ({})", compared.baseline, runs);
  else
    runs = compared.baseline;
  return fmt::format("{} against {}", compared.candidate, runs);
}

}  // namespace

std::string CompareText(const Compared& compared, bool all) {
  const GateResult& result = compared.result;
  std::string text = fmt::format("{}: {}\n", GateVerdictName(result.verdict), Title(compared));
  for (const std::string& reason : result.reasons) text += "  - " + reason + "\n";
  for (const Finding finding : kOrder) {
    if (finding == Finding::kUnchanged && !all) continue;
    for (const MetricShift& shift : result.shifts)
      if (shift.finding == finding && (all || !shift.control)) text += Line(shift);
  }
  text += fmt::format("  {} unchanged, {} improved\n", Count(result, Finding::kUnchanged),
                      Count(result, Finding::kImproved));
  for (const std::string& note : result.notes) text += "  note: " + note + "\n";
  return text;
}

json CompareJson(const Compared& compared) {
  const GateResult& result = compared.result;
  json shifts = json::array();
  for (const MetricShift& shift : result.shifts) shifts.push_back(ShiftJson(shift));
  const GateOptions& options = compared.options;
  return {{"schema", 1},
          {"kind", "blendbench-compare"},
          {"baseline", compared.baseline},
          {"baseline_runs", compared.runs},
          {"run", compared.candidate},
          {"verdict", GateVerdictName(result.verdict)},
          {"reasons", result.reasons},
          {"notes", result.notes},
          {"options",
           {{"least_change", options.least_change},
            {"blind_above", options.blind_above},
            {"alpha", options.alpha},
            {"across_machines", options.across_machines}}},
          {"shifts", std::move(shifts)}};
}

std::string CompareMarkdown(const Compared& compared) {
  const GateResult& result = compared.result;
  std::string page =
      fmt::format("### {}: {}\n\n", GateVerdictName(result.verdict), MarkdownCell(Title(compared)));
  for (const std::string& reason : result.reasons) page += "- " + MarkdownCell(reason) + "\n";
  page += "\n| finding | metric | arm | why |\n|---|---|---|---|\n";
  for (const Finding finding : kOrder) {
    if (finding == Finding::kUnchanged) continue;
    for (const MetricShift& shift : result.shifts) {
      if (shift.finding != finding || shift.control) continue;
      page += fmt::format("| {} | {} | {} | {} |\n", FindingName(finding),
                          MarkdownCell(shift.metric.id), MarkdownCell(shift.arm),
                          MarkdownCell(shift.reason));
    }
  }
  page += fmt::format("\n{} unchanged, {} improved.\n", Count(result, Finding::kUnchanged),
                      Count(result, Finding::kImproved));
  for (const std::string& note : result.notes) page += "\nNote: " + MarkdownCell(note) + "\n";
  return page;
}

}  // namespace blendbench
