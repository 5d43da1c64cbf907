// SPDX-License-Identifier: MIT
#include "harness/export/tables.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/spec/metrics.h"

namespace blendbench {
namespace {

std::string Cell(const std::string& text) { return MarkdownCell(text); }

std::string RatioCell(double log_value) {
  return std::isfinite(log_value) ? fmt::format("{:.3f}", std::exp(log_value)) : "-";
}

std::string IntervalCell(const std::optional<stats::Interval>& interval) {
  if (!interval) return "-";
  return fmt::format("{:.3f} to {:.3f}", std::exp(interval->low), std::exp(interval->high));
}

std::string MarginCell(const std::optional<double>& margin) {
  return margin ? fmt::format("{:.1f} %", *margin * 100) : "-";
}

std::string Stamped(Verdict verdict, const std::string& stamp) {
  return stamp.empty() ? VerdictName(verdict) : fmt::format("{} ({})", VerdictName(verdict), stamp);
}

std::string VerdictText(const ClaimVerdict& result) {
  if (result.verdict != Verdict::kNotDecidedHere) return Stamped(result.verdict, result.stamp);
  return fmt::format("{}; indicative: {}", Stamped(result.verdict, result.stamp),
                     VerdictName(result.indicative));
}

void AddVerdicts(const Analysis& analysis, std::string& page) {
  page += "## Verdicts\n\n| claim | arm | verdict | why |\n|---|---|---|---|\n";
  for (const ClaimVerdict& result : analysis.verdicts) {
    page += fmt::format("| {} | {} | {} | {} |\n", Cell(result.claim.title), Cell(result.claim.arm),
                        Cell(VerdictText(result)), Cell(Join(result.reasons, "; ")));
  }
}

void AddFailures(const RunRecord& record, const Analysis& analysis, std::string& page) {
  page += fmt::format("\n## Failed samples: {}\n", analysis.failures.total);
  if (analysis.failures.total == 0) return;
  page += "\n| block | arm | phase | reason | console |\n|---|---|---|---|---|\n";
  for (const Sample& sample : record.samples) {
    if (!sample.failure) continue;
    page += fmt::format("| {} | {} | {} | {} | {} |\n", sample.block, Cell(sample.arm),
                        Cell(sample.failure->phase), Cell(sample.failure->reason),
                        Cell(sample.failure->console));
  }
}

void AddComparisons(const Analysis& analysis, const std::string& stamp, std::string& page) {
  page +=
      "\n## Comparisons\n\nRatios above 1 are worse than the reference, for every metric.\n\n"
      "| metric | arm | n | ratio | 90 % interval | signed-rank interval | verdict | smallest "
      "margin |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const Comparison& comparison : analysis.comparisons) {
    const stats::Judged& judged = comparison.judged;
    const Verdict verdict = FromFinding(judged.non_inferiority.finding, Verdict::kNonInferior);
    page +=
        fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", Cell(comparison.metric.label),
                    Cell(comparison.arm), judged.n, RatioCell(judged.mean),
                    IntervalCell(judged.student), IntervalCell(judged.signed_rank),
                    Cell(Stamped(verdict, stamp)), MarginCell(judged.smallest_margin));
  }
}

// "    - holds from a margin of 7.3 % on (boot.total_s)": the metric that needs the widest.
std::string CurveLines(const ClaimVerdict& result) {
  const ClaimPart* widest = nullptr;
  for (const ClaimPart& part : result.parts)
    if (part.smallest_margin &&
        (widest == nullptr || *part.smallest_margin > *widest->smallest_margin))
      widest = &part;
  if (widest == nullptr) return "";
  return fmt::format(
      "    - would hold from a margin of {:.1f} % on, which {} needs; {:g} % was set\n",
      *widest->smallest_margin * 100, widest->metric, result.claim.margin * 100);
}

std::string ControlLine(const Controls& controls) {
  const stats::Rate& rate = controls.false_alarms;
  if (rate.of == 0) return "";
  return fmt::format(
      "controls: A' against A beyond the margin in {} of {} comparisons ({:.0f} to {:.0f} %)\n",
      rate.hits, rate.of, rate.low * 100, rate.high * 100);
}

}  // namespace

std::string MarkdownCell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '_' || c == '`' || c == '<' || c == '[')
      cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string MakeCsv(const RunRecord& record) {
  std::map<std::string, std::string> units;
  for (const Metric& metric : MetricsOf(record.plan.experiment)) units[metric.id] = metric.unit;
  std::string text = "run,block,order,arm,status,metric,unit,value\r\n";
  for (const Sample& sample : record.samples) {
    const std::string head =
        fmt::format("{},{},{},{},{}", CsvField(record.id), sample.block, sample.order,
                    CsvField(sample.arm), sample.status == SampleStatus::kOk ? "ok" : "failed");
    for (const auto& [metric, value] : sample.metrics) {
      const auto unit = units.find(metric);
      text += fmt::format("{},{},{},{}\r\n", head, CsvField(metric),
                          unit == units.end() ? "" : unit->second, value);
    }
    if (sample.metrics.empty()) text += head + ",,,\r\n";
  }
  return text;
}

std::string MakeJsonl(const RunRecord& record) {
  std::string text;
  for (const Sample& sample : record.samples) {
    text += DumpJson(ToJson(sample), -1);
  }
  return text;
}

std::string MakeMarkdown(const RunRecord& record, const Analysis& analysis) {
  const Environment& environment = record.environment;
  const std::string stamp = StampFor(environment.substrate);
  std::string page =
      fmt::format("# Run {}\n\n{} of {} blocks on {}", Cell(record.id), BlocksDone(record),
                  record.plan.experiment.blocks,
                  environment.substrate.empty() ? "an unknown substrate" : environment.substrate);
  if (!environment.substrate_reason.empty())
    page += " (" + Cell(environment.substrate_reason) + ")";
  page += stamp.empty() ? ".\n\n" : fmt::format(". **{}**\n\n", stamp);
  AddVerdicts(analysis, page);
  AddFailures(record, analysis, page);
  AddComparisons(analysis, stamp, page);
  return page;
}

std::string VerdictLines(const Analysis& analysis) {
  std::string text;
  for (const ClaimVerdict& result : analysis.verdicts) {
    text += fmt::format("{}: {}\n", result.claim.id, VerdictText(result));
    text += fmt::format("    {}\n", result.claim.title);
    for (const std::string& reason : result.reasons) text += fmt::format("    - {}\n", reason);
    text += CurveLines(result);
  }
  text += ControlLine(analysis.controls);
  return text;
}

}  // namespace blendbench
