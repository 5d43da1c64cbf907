// SPDX-License-Identifier: MIT
// Google Benchmark's JSON: each repetition is one block, so a file of --benchmark_repetitions=10 has
// ten. Aggregates are derived from the repetitions and passed over; a file that holds nothing else
// (--benchmark_report_aggregates_only) gives its means as one block.
#include <fmt/format.h>

#include <map>
#include <set>

#include "harness/import/external_file.h"

namespace blendbench {
namespace {

double UnitInSeconds(const Place& entry) {
  if (!entry.Has("time_unit")) return 1e-9;
  const std::string unit = entry.At("time_unit").Text();
  if (unit == "ns") return 1e-9;
  if (unit == "us") return 1e-6;
  if (unit == "ms") return 1e-3;
  if (unit == "s") return 1;
  entry.At("time_unit").Wrong("ns, us, ms or s");
}

std::string NameOf(const Place& entry) {
  return entry.Has("run_name") ? entry.At("run_name").Text() : entry.At("name").Text();
}

bool IsAggregate(const Place& entry) {
  return entry.Has("run_type") && entry.At("run_type").Text() == "aggregate";
}

bool IsMean(const Place& entry) {
  return entry.Has("aggregate_name") && entry.At("aggregate_name").Text() == "mean" &&
         (!entry.Has("aggregate_unit") || entry.At("aggregate_unit").Text() == "time");
}

void Put(const Place& entry, ExternalResults& results, ExternalBlock& block) {
  const std::string name = NameOf(entry);
  const auto put = [&](const char* suffix, const char* what, const char* unit, bool lower,
                       double value) {
    if (value <= 0) return;
    AddMetric(results, {name + suffix, fmt::format("{}: {}", name, what), "external", unit, lower});
    block.metrics[name + suffix] = value;
  };
  const double unit = UnitInSeconds(entry);
  put(".real_s", "real time", "s", true, entry.At("real_time").Number() * unit);
  put(".cpu_s", "processor time", "s", true, entry.At("cpu_time").Number() * unit);
  if (entry.Has("bytes_per_second"))
    put("_mbps", "bytes", "MB/s", false, entry.At("bytes_per_second").Number() / 1e6);
  if (entry.Has("items_per_second"))
    put(".items_per_s", "items", "1/s", false, entry.At("items_per_second").Number());
}

void PutFailure(const Place& entry, ExternalBlock& block) {
  const std::string why =
      entry.Has("error_message") ? entry.At("error_message").Text() : "no reason given";
  block.failures.push_back(fmt::format("{}: {}", NameOf(entry), why));
}

bool Failed(const Place& entry) {
  return entry.Has("error_occurred") && entry.At("error_occurred").value() == true;
}

void TakeContext(const Place& context, ExternalResults& results) {
  results.host = nlohmann::json::object();
  if (context.Has("num_cpus")) {
    const Place cores = context.At("num_cpus");
    if (!cores.value().is_number_unsigned()) cores.Wrong("a count");
    results.host["cores"] = cores.value();
  }
  if (context.Has("host_name")) results.host["name"] = context.At("host_name").value();
  // Its time has an offset of its own, which only the raw text keeps.
  if (context.Has("date")) results.host["date"] = context.At("date").value();
}

}  // namespace

void ReadGoogleBenchmark(const Place& root, ExternalResults& results) {
  results.tool = "Google Benchmark";
  if (root.Has("context")) TakeContext(root.At("context"), results);
  const std::vector<Place> entries = root.At("benchmarks").List();
  bool only_aggregates = !entries.empty();
  for (const Place& entry : entries) only_aggregates = only_aggregates && IsAggregate(entry);
  // The n-th entry of a name is its n-th repetition: repetition_index is absent in older releases.
  std::map<std::string, size_t> seen;
  std::set<std::string> passed;
  for (const Place& entry : entries) {
    if (IsAggregate(entry) && !(only_aggregates && IsMean(entry))) continue;
    const size_t repetition = seen[NameOf(entry)]++;
    while (results.blocks.size() <= repetition) results.blocks.emplace_back();
    ExternalBlock& block = results.blocks[repetition];
    block.raw.push_back(entry.value());
    if (Failed(entry)) {
      PutFailure(entry, block);
    } else {
      Put(entry, results, block);
    }
  }
  if (only_aggregates)
    results.notes.push_back("the file holds aggregates alone: its means are one block");
}

}  // namespace blendbench
