// SPDX-License-Identifier: MIT
// fio's JSON: one file is one block. Each job and direction gives its bandwidth, its operations a
// second and its mean latency. Jobs of one name (numjobs) are one job: rates add up, the latency is
// the mean weighted by operations.
#include <fmt/format.h>

#include <map>

#include "harness/base/text.h"
#include "harness/import/external_file.h"

namespace blendbench {
namespace {

constexpr const char* kDirections[] = {"read", "write", "trim"};
constexpr double kNsPerS = 1e9;

struct Direction {
  double bytes_per_s = 0;
  double operations_per_s = 0;
  double latency_sum_ns = 0;  // over all operations
  double operations = 0;
};

void Add(const Place& told, Direction& sum) {
  sum.bytes_per_s += told.At("bw_bytes").Number();
  sum.operations_per_s += told.At("iops").Number();
  const double operations = told.At("total_ios").Number();
  sum.operations += operations;
  if (told.Has("lat_ns")) sum.latency_sum_ns += told.At("lat_ns").At("mean").Number() * operations;
}

void Put(const std::string& job, const std::string& direction, const Direction& sum,
         ExternalResults& results, ExternalBlock& block) {
  const std::string id = fmt::format("fio.{}.{}", job, direction);
  const std::string label = fmt::format("{}, {}", job, direction);
  const auto put = [&](const char* suffix, const char* what, const char* unit, bool lower,
                       double value) {
    if (value <= 0) return;  // nothing was measured
    AddMetric(results, {id + suffix, fmt::format("{}: {}", label, what), "external", unit, lower});
    block.metrics[id + suffix] = value;
  };
  put("_mbps", "bandwidth", "MB/s", false, sum.bytes_per_s / 1e6);
  put("_iops", "operations", "1/s", false, sum.operations_per_s);
  if (sum.operations > 0)
    put("_lat_s", "mean latency", "s", true, sum.latency_sum_ns / sum.operations / kNsPerS);
}

}  // namespace

void ReadFio(const Place& root, ExternalResults& results) {
  results.tool = root.Has("fio version") ? root.At("fio version").Text() : "fio";
  if (root.Has("timestamp")) {
    const double seconds = root.At("timestamp").Number();
    if (seconds > 0 && seconds < 1e11)
      results.started = UtcText(std::chrono::system_clock::time_point(
          std::chrono::seconds(static_cast<int64_t>(seconds))));
  }
  ExternalBlock block;
  block.raw = root.value();
  std::vector<std::string> order;
  std::map<std::string, std::map<std::string, Direction>> jobs;
  for (const Place& job : root.At("jobs").List()) {
    const std::string name = job.At("jobname").Text();
    if (job.Has("error") && job.At("error").Number() != 0) {
      block.failures.push_back(
          fmt::format("fio's job {} ended with error {}", name, job.At("error").Number()));
      continue;
    }
    if (jobs.count(name) == 0) order.push_back(name);
    for (const char* direction : kDirections) {
      if (!job.Has(direction)) continue;
      const Place told = job.At(direction);
      if (told.At("io_bytes").Number() > 0) Add(told, jobs[name][direction]);
    }
  }
  for (const std::string& name : order)
    for (const char* direction : kDirections)
      if (jobs[name].count(direction) != 0)
        Put(name, direction, jobs[name][direction], results, block);
  results.blocks.push_back(std::move(block));
}

}  // namespace blendbench
