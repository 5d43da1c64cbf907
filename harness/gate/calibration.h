// SPDX-License-Identifier: MIT
// What an experiment with handicapped arms says of the harness itself: how often it cries wolf, how often it
// finds a slow-down of a known size, and how often it lets one pass. Pure.
//
// Its blocks are cut into experiments of `window` blocks that share none, and each is judged on its own, metric
// by metric, as a run of that many blocks would be. Metrics of one arm share its blocks, so the trials are not
// quite independent and the intervals are a guide.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/sample.h"
#include "harness/spec/experiment.h"
#include "harness/spec/metrics.h"
#include "harness/stats/paired.h"
#include "harness/stats/rates.h"

namespace blendbench {

struct CalibrationRow {
  std::string arm;
  std::string what;           // the handicap in words
  double expected_ratio = 1;  // geometric mean over its trials; 1.05 is 5 % worse
  double measured_ratio = 1;
  stats::Rate refuted;       // found beyond the margin
  stats::Rate non_inferior;  // found within it: a wrong acquittal if expected_ratio is not
  stats::Rate seen_worse;    // both intervals above 1
  // What the same noise, normally distributed, lets expect.
  double predicted_refuted = 0;
  double predicted_non_inferior = 0;
  double predicted_seen_worse = 0;
};

struct MetricNoise {
  std::string metric;
  std::string label;
  int pairs = 0;
  double sd = 0;                               // of A/A log ratios
  std::optional<stats::Interval> sd_interval;  // BCa, 90 %
  std::optional<int> blocks_for_power;         // 90 % power at the margin
};

struct Calibration {
  int window = 0;
  double margin = 0;
  int blocks = 0;  // that entered; discarded ones did not
  // The reference against itself: controls, and handicapped arms in metrics their handicap leaves alone.
  stats::Rate false_alarms;          // beyond the margin, worse or better
  stats::Rate false_seen_worse;      // both intervals above 1; one in twenty is expected at most
  std::vector<CalibrationRow> rows;  // arms with a handicap, in the experiment's order
  std::vector<MetricNoise> noise;    // metrics with a control
};

// What a handicap should do to a metric: the log ratio, 0 when it leaves it alone, nullopt when that cannot be
// said beforehand. `reference` is the geometric mean of the reference arm's values.
std::optional<double> ExpectedEffect(const Arm& arm, const Arm& reference, const Metric& metric,
                                     double reference_mean);

// `window` >= 5. Metrics of set-up and of processor time do not enter.
Calibration Calibrate(const Experiment& experiment, const std::vector<Sample>& samples, int window,
                      double margin);

}  // namespace blendbench
