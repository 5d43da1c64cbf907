// SPDX-License-Identifier: MIT
#include "harness/export/calibration_report.h"

#include <fmt/format.h>

#include <cmath>

#include "harness/store/calibration_file.h"

namespace blendbench {
namespace {

using nlohmann::json;

json RateJson(const stats::Rate& rate) {
  return {{"count", rate.hits},
          {"trials", rate.of},
          {"rate", rate.of == 0 ? json() : json(static_cast<double>(rate.hits) / rate.of)},
          {"interval95", {rate.low, rate.high}}};
}

json RowJson(const CalibrationRow& row) {
  return {{"arm", row.arm},
          {"what", row.what},
          {"expected_ratio", row.expected_ratio},
          {"measured_ratio", row.measured_ratio},
          {"refuted", RateJson(row.refuted)},
          {"non_inferior", RateJson(row.non_inferior)},
          {"seen_worse", RateJson(row.seen_worse)},
          {"predicted",
           {{"refuted", row.predicted_refuted},
            {"non_inferior", row.predicted_non_inferior},
            {"seen_worse", row.predicted_seen_worse}}}};
}

json NoiseJson(const MetricNoise& noise) {
  return {{"metric", noise.metric},
          {"label", noise.label},
          {"pairs", noise.pairs},
          {"sd_log", noise.sd},
          {"sd_interval90",
           noise.sd_interval ? json{noise.sd_interval->low, noise.sd_interval->high} : json()},
          {"blocks_for_90_power", noise.blocks_for_power ? json(*noise.blocks_for_power) : json()}};
}

// "3 of 40, 8 % (2 to 20)"
std::string RateText(const json& document, const char* name) {
  const json rate = document.value(name, json());
  if (!rate.is_object()) return "-";
  const json interval = rate.value("interval95", json());
  const int count = rate.value("count", 0), trials = rate.value("trials", 0);
  if (trials == 0 || !interval.is_array() || interval.size() != 2) return "no trials";
  return fmt::format("{} of {}, {:.0f} % ({:.0f} to {:.0f})", count, trials, 100.0 * count / trials,
                     100 * interval[0].get<double>(), 100 * interval[1].get<double>());
}

double PredictedPercent(const json& row, const char* name) {
  return 100 * row.value("predicted", json::object()).value(name, 0.0);
}

}  // namespace

json CalibrationJson(const RunRecord& record, const Calibration& calibration) {
  json arms = json::array(), noise = json::array();
  for (const CalibrationRow& row : calibration.rows) arms.push_back(RowJson(row));
  for (const MetricNoise& metric : calibration.noise) noise.push_back(NoiseJson(metric));
  return {{"schema", 1},
          {"run", record.id},
          {"created", record.environment.created},
          {"substrate", record.environment.substrate},
          {"stamp", StampFor(record.environment.substrate)},
          {"machine", MachineOf(record.environment)},
          {"window", calibration.window},
          {"margin", calibration.margin},
          {"blocks", calibration.blocks},
          {"false_alarms", RateJson(calibration.false_alarms)},
          {"false_seen_worse", RateJson(calibration.false_seen_worse)},
          {"arms", arms},
          {"noise", noise}};
}

std::string CalibrationTable(const json& document) {
  std::string text = fmt::format(
      "calibration {} on {} ({} blocks, judged as experiments of {} blocks at a margin of {:g} %)\n"
      "  95 % intervals in brackets; metrics of one arm share blocks, so they are a guide\n\n",
      document.value("run", ""), document.value("substrate", ""), document.value("blocks", 0),
      document.value("window", 0), 100 * document.value("margin", 0.0));
  text += fmt::format(
      "the reference against itself\n  found beyond the margin   {}\n"
      "  seen as slower            {}\n\n",
      RateText(document, "false_alarms"), RateText(document, "false_seen_worse"));
  for (const json& row : document.value("arms", json::array())) {
    text += fmt::format("{}: {}\n  true ratio {:.3f}, measured {:.3f}\n", row.value("arm", ""),
                        row.value("what", ""), row.value("expected_ratio", 0.0),
                        row.value("measured_ratio", 0.0));
    for (const auto& [name, label] : {std::pair{"refuted", "REFUTED"},
                                      {"non_inferior", "NON-INFERIOR"},
                                      {"seen_worse", "seen as slower"}}) {
      text += fmt::format("  {:<16} {:<28} expected from the noise: {:.0f} %\n", label,
                          RateText(row, name), PredictedPercent(row, name));
    }
  }
  text += "\nnoise of the reference against itself (standard deviation of log ratios)\n";
  for (const json& metric : document.value("noise", json::array())) {
    const json interval = metric.value("sd_interval90", json());
    const json blocks = metric.value("blocks_for_90_power", json());
    text += fmt::format(
        "  {:<52} {:5.1f} %{}{}\n", metric.value("label", ""), 100 * metric.value("sd_log", 0.0),
        interval.is_array() ? fmt::format(" ({:.1f} to {:.1f})", 100 * interval[0].get<double>(),
                                          100 * interval[1].get<double>())
                            : "",
        blocks.is_number() ? fmt::format(", {} blocks for 90 % power", blocks.get<int>()) : "");
  }
  return text;
}

json ShowableCalibration(json document) {
  try {
    if (document.is_object()) (void)CalibrationTable(document);
    (void)CalibrationLines(document);
    return document;
  } catch (const json::exception&) {
    return nullptr;
  }
}

std::string CalibrationLines(const json& document) {
  if (!document.is_object())
    return "calibration: none on this substrate; `blendbench calibrate` measures false alarms and "
           "detection\n";
  std::string text = fmt::format("calibration: {}{}: false alarms {}\n", document.value("run", ""),
                                 document.value("same_machine", true) ? "" : " (another machine)",
                                 RateText(document, "false_alarms"));
  for (const json& row : document.value("arms", json::array()))
    text += fmt::format("    slower by {:.1f} %: REFUTED {}; NON-INFERIOR {}\n",
                        100 * (row.value("expected_ratio", 1.0) - 1), RateText(row, "refuted"),
                        RateText(row, "non_inferior"));
  return text;
}

}  // namespace blendbench
