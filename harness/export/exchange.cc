// SPDX-License-Identifier: MIT
#include "harness/export/exchange.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/export/json_parts.h"
#include "harness/export/summary.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr double kNsPerS = 1e9;

bool IsRate(const Metric& metric) { return !metric.lower_is_better; }
bool InBytes(const Metric& metric) { return metric.unit == "MB/s"; }

std::string NameOf(const Summary& summary) { return summary.arm + "/" + summary.metric.id; }

// "warm-find.wall_s" -> "warm-find.cpu_s"; "" when the metric has no name of that form.
std::string CpuMetric(const std::string& id) {
  for (const char* suffix : {".wall_s", ".real_s"}) {
    if (id.ends_with(suffix)) return id.substr(0, id.rfind('.')) + ".cpu_s";
  }
  return "";
}

std::map<std::string, std::map<int, double>> CpuTimes(const std::vector<Summary>& summaries) {
  std::map<std::string, std::map<int, double>> times;
  for (const Summary& summary : summaries) {
    if (!summary.metric.id.ends_with(".cpu_s")) continue;
    for (size_t i = 0; i < summary.values.size(); ++i)
      times[NameOf(summary)][summary.blocks[i]] = summary.values[i];
  }
  return times;
}

json Repetition(const Summary& summary, size_t i, double cpu_s) {
  const double value = summary.values[i];
  const double seconds = IsRate(summary.metric) ? 1 / value : value;
  json entry = {{"name", NameOf(summary)},
                {"run_name", NameOf(summary)},
                {"run_type", "iteration"},
                {"repetitions", summary.values.size()},
                {"repetition_index", i},
                {"threads", 1},
                {"iterations", 1},
                {"real_time", seconds * kNsPerS},
                {"cpu_time", (std::isnan(cpu_s) ? seconds : cpu_s) * kNsPerS},
                {"time_unit", "ns"},
                {"label", fmt::format("{}, block {}", summary.metric.label, summary.blocks[i])}};
  if (IsRate(summary.metric))
    entry[InBytes(summary.metric) ? "bytes_per_second" : "items_per_second"] =
        InBytes(summary.metric) ? value * 1e6 : value;
  return entry;
}

json ContextOf(const RunRecord& record) {
  const json& host = record.environment.host;
  const auto fact = [&](const char* name) {
    return host.is_object() ? host.value(name, json()) : json();
  };
  const json cores = fact("cores");
  return {{"date", record.environment.created},
          {"host_name", ""},
          {"executable", "blendbench"},
          {"num_cpus", cores.is_number_integer() ? cores : json(0)},
          {"mhz_per_cpu", 0},
          {"cpu_scaling_enabled", false},
          {"caches", json::array()},
          {"load_avg", json::array()},
          {"library_build_type", "release"},
          {"json_schema_version", 1},
          {"blendbench_run", record.id},
          {"blendbench_commit", record.environment.git_commit},
          {"blendbench_substrate", record.environment.substrate},
          {"blendbench_stamp", StampFor(record.environment.substrate)},
          {"blendbench_note",
           "cpu_time is the processor time where one was measured, else the real time; rates are "
           "the time of a megabyte or an operation"}};
}

const char* Measure(const Metric& metric) {
  if (metric.unit == "s") return "seconds";
  return InBytes(metric) ? "megabytes-per-second" : "operations-per-second";
}

std::string Extra(const RunRecord& record, const Summary& summary) {
  std::string extra = fmt::format("{}\ngeometric mean of {} blocks of run {}", summary.metric.label,
                                  summary.values.size(), record.id);
  if (IsRate(summary.metric))
    extra += fmt::format("\n{:.6g} {}", summary.mean, summary.metric.unit);
  const std::string stamp = StampFor(record.environment.substrate);
  return stamp.empty() ? extra : extra + "\n" + stamp;
}

}  // namespace

json MakeGoogleBenchmark(const RunRecord& record) {
  const std::vector<Summary> summaries = Summarise(record);
  const auto cpu_times = CpuTimes(summaries);
  json benchmarks = json::array();
  int family = 0;
  for (const Summary& summary : summaries) {
    const auto cpu = cpu_times.find(summary.arm + "/" + CpuMetric(summary.metric.id));
    for (size_t i = 0; i < summary.values.size(); ++i) {
      double cpu_s = std::nan("");
      if (cpu != cpu_times.end() && cpu->second.count(summary.blocks[i]) != 0)
        cpu_s = cpu->second.at(summary.blocks[i]);
      json entry = Repetition(summary, i, cpu_s);
      entry["family_index"] = family;
      entry["per_family_instance_index"] = 0;
      benchmarks.push_back(std::move(entry));
    }
    ++family;
  }
  return {{"context", ContextOf(record)}, {"benchmarks", std::move(benchmarks)}};
}

json MakeBencher(const RunRecord& record) {
  json document = json::object();
  for (const Summary& summary : Summarise(record)) {
    json metric = {{"value", NumberJson(summary.mean)}};
    if (summary.low && summary.high) {
      metric["lower_value"] = *summary.low;
      metric["upper_value"] = *summary.high;
    }
    document[NameOf(summary)][Measure(summary.metric)] = std::move(metric);
  }
  return document;
}

json MakeGithubActionBenchmark(const RunRecord& record) {
  json list = json::array();
  for (const Summary& summary : Summarise(record)) {
    const bool rate = IsRate(summary.metric);
    const double value = rate ? 1000 / summary.mean : summary.mean;
    std::string unit = summary.metric.unit;
    if (rate) unit = InBytes(summary.metric) ? "s/GB" : "s/1000";
    json entry = {{"name", NameOf(summary)},
                  {"unit", unit},
                  {"value", NumberJson(value)},
                  {"extra", Extra(record, summary)}};
    if (summary.low && summary.high) {
      const double low = rate ? 1000 / *summary.high : *summary.low;
      const double high = rate ? 1000 / *summary.low : *summary.high;
      entry["range"] = fmt::format("± {:.3g}", (high - low) / 2);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace blendbench
