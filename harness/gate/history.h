// SPDX-License-Identifier: MIT
// Many runs in the order they were made: one number a run and metric, and where its level changed
// for good (stats/change_points.h). The run is the unit here, since the blocks of one run share its
// day. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/gate/regression.h"
#include "harness/stats/change_points.h"

namespace blendbench {

struct HistoryOptions {
  std::vector<std::string> metrics;  // ids, * stands for any characters; empty for all
  std::vector<std::string> arms;     // likewise
  Scale scale = Scale::kAuto;
  double least_change = 0.03;  // smaller changes are not reported
  double alpha = 0.05;         // of the whole family of series
  int least_runs = 3;          // a change is reported once it has lasted this long
  int permutations = 999;      // raised where many series need finer p values
  uint64_t seed = 20140803;
};

struct HistoryPoint {
  std::string run;
  std::string created;
  std::string commit;
  double log = 0;    // mean over the blocks, + is worse
  double value = 0;  // in the metric's unit (geometric mean); the ratio where relative
  int blocks = 0;
  bool spike = false;    // alone among its neighbours; left out of the search
  bool pending = false;  // a spike among the newest two: the next runs tell whether it stays
};

struct HistoryChange {
  size_t index = 0;   // of the first point after it
  double change = 0;  // ln, + is worse
  double p = 1;       // of its own permutation test
};

struct Series {
  std::string experiment;
  std::string machine;  // "host, AMD EPYC, 2 cores": runs of different ones are never one series
  std::string arm;
  Metric metric;
  bool relative = false;
  std::vector<HistoryPoint> points;  // oldest first
  std::vector<HistoryChange> changes;
  bool enough = false;  // long enough for any change to be found
  double p_holm = 1;    // "it never changes", Holm over all series that are long enough
};

// Failed and unfinished runs count with what they measured.
std::vector<Series> MakeHistory(std::vector<TrackedRun> runs, const HistoryOptions& options);

// Whether the newest level is worse than the one before.
bool WorseNow(const Series& series);

}  // namespace blendbench
