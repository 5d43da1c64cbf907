// SPDX-License-Identifier: MIT
// Forms that other tools read. Each keeps what its reader knows: Google Benchmark's every block as a
// repetition, the others one number and its interval. Pure; thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "harness/export/record.h"

namespace blendbench {

// Google Benchmark's JSON, so that its compare.py and what else reads it can be used: a benchmark
// named ARM/METRIC, a repetition for each block. A rate becomes the time a megabyte (or an
// operation) takes, with the rate as counter bytes_per_second (items_per_second) beside it.
nlohmann::json MakeGoogleBenchmark(const RunRecord& record);

// Bencher Metric Format (bencher.dev, adapter "json"): {"ARM/METRIC": {MEASURE: {value, lower_value,
// upper_value}}}. The measure names the unit: seconds, megabytes-per-second, operations-per-second.
nlohmann::json MakeBencher(const RunRecord& record);

// github-action-benchmark, tool "customSmallerIsBetter": [{name, unit, value, range, extra}]. A rate
// is given as the seconds a gigabyte (or a thousand operations) take, since smaller must be better.
nlohmann::json MakeGithubActionBenchmark(const RunRecord& record);

}  // namespace blendbench
