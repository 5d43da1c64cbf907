// SPDX-License-Identifier: MIT
#include "harness/export/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace blendbench {
namespace {

using nlohmann::json;

constexpr int kWidth = 60;  // characters of the longest boot
constexpr size_t kMostUnits = 6;

struct Phase {
  const char* metric;
  char letter;
  const char* words;
};
constexpr Phase kPhases[] = {{"boot.kernel_s", 'k', "kernel"},
                             {"boot.initramfs_s", 'i', "initramfs"},
                             {"boot.merge_s", 'm', "merge"},
                             {"boot.switch_s", 's', "switch"},
                             {"boot.userspace_s", 'u', "userspace"}};

// Arithmetic means, so that the phases add up to the mean total.
std::vector<double> MeanPhases(const RunRecord& record, const std::string& arm) {
  std::vector<double> sums(std::size(kPhases), 0.0);
  int count = 0;
  for (const Sample& sample : record.samples) {
    const bool whole = std::all_of(std::begin(kPhases), std::end(kPhases), [&](const Phase& phase) {
      return sample.metrics.count(phase.metric) != 0;
    });
    if (sample.arm != arm || !whole) continue;
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += sample.metrics.at(kPhases[i].metric);
    ++count;
  }
  if (count == 0) return {};
  for (double& sum : sums) sum /= count;
  return sums;
}

// Each phase ends where its end falls on the scale, so that a row is as long as its boot.
std::string Bar(const std::vector<double>& phases, double longest_s) {
  std::string bar;
  double until_s = 0;
  for (size_t i = 0; i < phases.size(); ++i) {
    until_s += phases[i];
    const auto end = static_cast<size_t>(std::lround(kWidth * until_s / longest_s));
    if (bar.size() < end) bar.append(end - bar.size(), kPhases[i].letter);
  }
  return bar;
}

std::string Units(const json& told) {
  if (told.contains("failure") && told["failure"].is_string())
    return "      the diagnostic boot failed: " + told["failure"].get<std::string>() + "\n";
  std::string text;
  size_t shown = 0;
  for (const json& unit : told.value("units", json::array())) {
    if (!unit.is_object() || shown++ == kMostUnits) break;
    text += fmt::format("      {:7.3f} s  {}\n", unit.value("s", 0.0), unit.value("unit", ""));
  }
  return text;
}

}  // namespace

std::string BootTimeline(const RunRecord& record) {
  double longest_s = 0;
  std::vector<std::pair<const Arm*, std::vector<double>>> rows;
  for (const Arm& arm : record.plan.experiment.arms) {
    std::vector<double> phases = MeanPhases(record, arm.id);
    double total_s = 0;
    for (const double phase_s : phases) total_s += phase_s;
    longest_s = std::max(longest_s, total_s);
    rows.emplace_back(&arm, std::move(phases));
  }
  std::string text;
  for (const auto& [arm, phases] : rows) {
    const json told =
        record.diagnosis.is_object() ? record.diagnosis.value(arm->id, json()) : json();
    if (phases.empty() && !told.is_object()) continue;
    if (!phases.empty()) {
      double total_s = 0;
      for (const double phase_s : phases) total_s += phase_s;
      text += fmt::format("  {:<16} {:6.2f} s  {}\n", arm->id, total_s, Bar(phases, longest_s));
    } else {
      text += fmt::format("  {}\n", arm->id);
    }
    if (told.is_object()) text += Units(told);
  }
  if (text.empty()) return "";
  std::string key;
  for (const Phase& phase : kPhases) key += fmt::format(" {} {}", phase.letter, phase.words);
  return "boot (" + key.substr(1) + "; below, the longest units of a boot apart)\n" + text;
}

}  // namespace blendbench
