// SPDX-License-Identifier: MIT
#include "harness/base/sample.h"

#include <cmath>
#include <stdexcept>

namespace blendbench {
namespace {

using nlohmann::json;

constexpr int kSchema = 1;

[[noreturn]] void Wrong(const std::string& member, const char* wanted) {
  throw std::runtime_error("\"" + member + "\" is missing or not " + wanted);
}

const json& Member(const json& object, const std::string& name) {
  static const json kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}

std::string Text(const json& object, const std::string& name) {
  const json& value = Member(object, name);
  if (!value.is_string()) Wrong(name, "a text");
  return value.get<std::string>();
}

int Count(const json& object, const std::string& name) {
  const json& value = Member(object, name);
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > 1'000'000) {
    Wrong(name, "a count");
  }
  return value.get<int>();
}

double Number(const json& object, const std::string& name) {
  const json& value = Member(object, name);
  if (!value.is_number() || !std::isfinite(value.get<double>())) Wrong(name, "a number");
  return value.get<double>();
}

json FailureJson(const Failure& failure) {
  return {{"phase", failure.phase},
          {"reason", failure.reason},
          {"console_tail", failure.console_tail},
          {"console", failure.console}};
}

json PromisesJson(const std::vector<Promise>& promises) {
  json list = json::array();
  for (const Promise& promise : promises) {
    list.push_back({{"check", promise.check}, {"held", promise.held}, {"detail", promise.detail}});
  }
  return list;
}

std::vector<Promise> ReadPromises(const json& sample) {
  const json& list = Member(sample, "promises");
  if (!list.is_array()) Wrong("promises", "a list");
  std::vector<Promise> promises;
  for (const json& entry : list) {
    const json& held = Member(entry, "held");
    if (!held.is_boolean()) Wrong("promises.held", "true or false");
    promises.push_back({Text(entry, "check"), held.get<bool>(), Text(entry, "detail")});
  }
  return promises;
}

std::map<std::string, double> ReadMetrics(const json& sample) {
  const json& object = Member(sample, "metrics");
  if (!object.is_object()) Wrong("metrics", "an object");
  std::map<std::string, double> metrics;
  for (const auto& [name, value] : object.items()) metrics[name] = Number(object, name);
  return metrics;
}

}  // namespace

json ToJson(const Sample& sample) {
  return {{"schema", kSchema},
          {"block", sample.block},
          {"order", sample.order},
          {"arm", sample.arm},
          {"status", sample.status == SampleStatus::kOk ? "ok" : "failed"},
          {"failure", sample.failure ? FailureJson(*sample.failure) : json()},
          {"metrics", json(sample.metrics)},
          {"promises", PromisesJson(sample.promises)},
          {"raw", sample.raw},
          {"provenance", sample.provenance},
          {"started", sample.started},
          {"duration_s", sample.duration_s}};
}

Sample SampleFromJson(const json& object) {
  if (!object.is_object()) throw std::runtime_error("not a JSON object");
  if (const json& schema = Member(object, "schema"); schema != kSchema) {
    throw std::runtime_error("schema " + schema.dump() + " is not the " + std::to_string(kSchema) +
                             " this version reads");
  }
  Sample sample;
  sample.block = Count(object, "block");
  sample.order = Count(object, "order");
  sample.arm = Text(object, "arm");
  const std::string status = Text(object, "status");
  if (status != "ok" && status != "failed") Wrong("status", "\"ok\" or \"failed\"");
  sample.status = status == "ok" ? SampleStatus::kOk : SampleStatus::kFailed;
  if (const json& failure = Member(object, "failure"); failure.is_object()) {
    sample.failure = Failure{Text(failure, "phase"), Text(failure, "reason"),
                             Text(failure, "console_tail"), Text(failure, "console")};
  }
  if (sample.status == SampleStatus::kFailed && !sample.failure) {
    throw std::runtime_error("a failed sample without \"failure\"");
  }
  sample.metrics = ReadMetrics(object);
  sample.promises = ReadPromises(object);
  sample.raw = Member(object, "raw");
  sample.provenance = Member(object, "provenance");
  sample.started = Text(object, "started");
  sample.duration_s = Number(object, "duration_s");
  return sample;
}

}  // namespace blendbench
