// SPDX-License-Identifier: MIT
#include "harness/spec/external.h"

#include <set>
#include <stdexcept>

namespace blendbench {

using nlohmann::json;

json MetricsToJson(const std::vector<Metric>& metrics) {
  json list = json::array();
  for (const Metric& metric : metrics) {
    list.push_back({{"id", metric.id},
                    {"label", metric.label},
                    {"family", metric.family},
                    {"unit", metric.unit},
                    {"better", metric.lower_is_better ? "lower" : "higher"}});
  }
  return list;
}

std::vector<Metric> MetricsFromJson(const json& list) {
  std::vector<Metric> metrics;
  std::set<std::string> seen;
  for (const json& object : list) {
    const std::string better = object.at("better");
    if (better != "lower" && better != "higher")
      throw std::runtime_error("\"better\" is \"" + better + "\", not \"lower\" or \"higher\"");
    metrics.push_back({object.at("id"), object.at("label"), object.at("family"), object.at("unit"),
                       better == "lower"});
    if (!seen.insert(metrics.back().id).second)
      throw std::runtime_error("metric \"" + metrics.back().id + "\" is there twice");
  }
  return metrics;
}

}  // namespace blendbench
