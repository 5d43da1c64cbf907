// SPDX-License-Identifier: MIT
#include "harness/export/host_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/spec/host_case.h"
#include "harness/spec/metrics.h"

namespace blendbench {
namespace {

constexpr const char* kCpuFamily = "host-cpu";

const Comparison* Find(const Analysis& analysis, const std::string& metric,
                       const std::string& arm) {
  for (const Comparison& comparison : analysis.comparisons)
    if (comparison.metric.id == metric && comparison.arm == arm) return &comparison;
  return nullptr;
}

// Three significant digits.
std::string Short(double value) {
  if (value >= 99.95 || value == 0) return fmt::format("{:.0f}", value);
  const int digits = std::max(0, 2 - static_cast<int>(std::floor(std::log10(value))));
  return fmt::format("{:.{}f}", value, std::min(digits, 6));
}

// `sign` is -1 for a relative speed (the comparison's + is worse) and 1 for a multiple.
std::string RatioCell(const Comparison& comparison, int sign) {
  std::vector<double> logs;
  for (const Pair& pair : comparison.pairs) logs.push_back(sign * pair.log_ratio);
  const auto median = Median(logs);
  if (!median) return "-";
  std::string cell = Short(std::exp(*median));
  if (const auto& interval = comparison.judged.student) {
    double low = std::exp(sign * interval->low), high = std::exp(sign * interval->high);
    if (low > high) std::swap(low, high);
    cell += fmt::format(" [{} {}]", Short(low), Short(high));
  }
  return cell;
}

std::string ReferenceCell(const RunRecord& record, const std::string& arm, const Metric& metric) {
  std::vector<double> values;
  for (const Sample& sample : record.samples) {
    const auto found = sample.metrics.find(metric.id);
    if (sample.arm == arm && found != sample.metrics.end()) values.push_back(found->second);
  }
  const auto median = Median(values);
  return median ? fmt::format("{} {}", Short(*median), metric.unit) : "-";
}

void EndLine(std::string& text) {
  while (text.back() == ' ') text.pop_back();
  text += '\n';
}

std::string CaseOf(const Metric& metric) { return metric.id.substr(0, metric.id.rfind('.')); }

// The tables of one run; both have the same rows, columns and notes.
class Table {
 public:
  Table(const RunRecord& record, const Analysis& analysis, const Arm& reference)
      : record_(record), analysis_(analysis), reference_(reference) {
    for (const Arm& arm : record.plan.experiment.arms)
      if (!arm.reference) told_[arm.id] = CasesTold(record, arm.id);
  }

  std::string Print(const std::string& title, bool cpu) {
    std::string text = title + "\n" + fmt::format("{:<27}{:>12}", "case", reference_.id);
    for (const auto& arm : record_.plan.experiment.arms)
      if (!arm.reference) text += fmt::format("  {:<22}", arm.id);
    EndLine(text);
    for (const Metric& metric : MetricsOf(record_.plan.experiment)) {
      if (metric.family == "setup" || (metric.family == kCpuFamily) != cpu) continue;
      text += fmt::format("{:<27}{:>12}", CaseOf(metric),
                          ReferenceCell(record_, reference_.id, metric));
      for (const auto& arm : record_.plan.experiment.arms)
        if (!arm.reference) text += fmt::format("  {:<22}", Cell(metric, arm.id, cpu ? 1 : -1));
      EndLine(text);
    }
    return text;
  }

  std::string Notes() const {
    std::string text;
    for (const std::string& note : notes_) text += note + "\n";
    return text;
  }

 private:
  std::string Cell(const Metric& metric, const std::string& arm, int sign) {
    const std::string host_case = CaseOf(metric);
    const CaseTold& told = told_.at(arm);
    const Comparison* comparison = Find(analysis_, metric.id, arm);
    const bool known = comparison != nullptr && !comparison->pairs.empty();
    const auto failed = told.failed.find(host_case);
    if (failed != told.failed.end())
      Note(fmt::format("failed: {}, {}: {}", arm, host_case, failed->second));
    if (known) return RatioCell(*comparison, sign) + (failed == told.failed.end() ? "" : " !");
    if (failed != told.failed.end()) return "failed";
    const auto skipped = told.skipped.find(host_case);
    if (skipped == told.skipped.end()) return "-";
    Note(fmt::format("skipped: {}: {}", arm, skipped->second));
    return "skipped";
  }
  void Note(const std::string& note) {
    if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) notes_.push_back(note);
  }

  const RunRecord& record_;
  const Analysis& analysis_;
  const Arm& reference_;
  std::map<std::string, CaseTold> told_;
  std::vector<std::string> notes_;
};

void TakeReasons(const nlohmann::json& raw, const char* member,
                 std::map<std::string, std::string>& into) {
  if (!raw.is_object() || !raw.contains(member) || !raw.at(member).is_object()) return;
  for (const auto& [host_case, reason] : raw.at(member).items())
    if (reason.is_string()) into.emplace(host_case, reason.get<std::string>());
}

}  // namespace

std::optional<double> Median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

CaseTold CasesTold(const RunRecord& record, const std::string& arm) {
  CaseTold told;
  for (const Sample& sample : record.samples) {
    if (sample.arm != arm) continue;
    TakeReasons(sample.raw, "skipped", told.skipped);
    TakeReasons(sample.raw, "failed_cases", told.failed);
  }
  return told;
}

std::string HostTable(const RunRecord& record, const Analysis& analysis) {
  const Experiment& experiment = record.plan.experiment;
  const Arm* reference = ReferenceOf(experiment);
  if (!OnHost(experiment) || reference == nullptr) return "";
  Table table(record, analysis, *reference);
  const std::string over = fmt::format("median of {} blocks [90 % interval]", BlocksDone(record));
  std::string text = table.Print(
      fmt::format("speed relative to {}, above 1 is faster: {}", reference->id, over), false);
  text += "\n" + table.Print(fmt::format("processor time of caller and daemon, times that of {}, "
                                         "above 1 is more: {}",
                                         reference->id, over),
                             true);
  const std::string notes = table.Notes();
  return text + (notes.empty() ? "" : "\n" + notes);
}

}  // namespace blendbench
