// SPDX-License-Identifier: MIT
#include "harness/export/promise_figures.h"

#include <algorithm>
#include <vector>

#include "harness/base/text.h"
#include "harness/spec/disk_roles.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr int kModelledUsers[] = {1, 10, 100, 1000};
constexpr const char* kNextRelease = "2";

// A member of the sample's raw outputs that is an object; null otherwise.
json RawObject(const Sample& sample, const char* name) {
  if (!sample.raw.is_object()) return json();
  const auto found = sample.raw.find(name);
  return found != sample.raw.end() && found->is_object() ? *found : json();
}

std::optional<double> NumberIn(const json& object, const char* name) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

const Promise* FindPromise(const Sample& sample, const std::string& check) {
  const auto found = std::find_if(sample.promises.begin(), sample.promises.end(),
                                  [&](const Promise& promise) { return promise.check == check; });
  return found == sample.promises.end() ? nullptr : &*found;
}

bool Held(const Sample& sample, const std::string& check) {
  const Promise* promise = FindPromise(sample, check);
  return promise != nullptr && promise->held;
}

json ArmGrowth(const RunRecord& record, const Arm& arm) {
  std::vector<double> per_user;
  double shared = 0;
  int users = 0;
  for (const Sample& sample : record.samples) {
    if (sample.arm != arm.id || sample.status != SampleStatus::kOk) continue;
    const json storage = RawObject(sample, "storage");
    const auto one = NumberIn(storage, "per_user_bytes");
    const auto all = NumberIn(storage, "shared_bytes");
    if (!one || !all) continue;
    per_user.push_back(*one);
    shared = std::max(shared, *all);
    users += static_cast<int>(NumberIn(storage, "users").value_or(1));
  }
  if (per_user.empty()) return json();
  std::sort(per_user.begin(), per_user.end());
  return {{"arm", arm.id},
          {"shared_bytes", shared},
          {"per_user_bytes", per_user[per_user.size() / 2]},
          {"per_user_min", per_user.front()},
          {"per_user_max", per_user.back()},
          {"measured_users", users}};
}

std::string WhyNoUpgrade(const Arm& arm) {
  if (!HasSystemToExchange(arm))
    return "has no system image to exchange: every user's image has to be merged anew";
  const std::vector<EngineDescriptor> engines = BuiltInEngines();
  const auto engine = std::find_if(engines.begin(), engines.end(),
                                   [&](const auto& other) { return other.name == arm.engine; });
  return engine == engines.end() ? "" : WhyNot(*engine, kTraitUpgrade).value_or("");
}

json ArmUpgrade(const RunRecord& record, const Arm& arm) {
  int of = 0, booted = 0, kept = 0, updates = 0, checked = 0, sound = 0;
  json seconds = json::array(), failures = json::array(), bytes;
  for (const Sample& sample : record.samples) {
    const json upgrade = RawObject(sample, "upgrade");
    if (sample.arm != arm.id || upgrade.is_null()) continue;
    ++of;
    if (upgrade.value("ok", json()) == true) ++booted;
    if (Held(sample, "upgrade-keeps-changes")) ++kept;
    const std::string after = kAfterUpgrade;
    const Promise* release = FindPromise(sample, after + "system-release");
    if (release != nullptr && release->held && release->detail == kNextRelease) ++updates;
    if (const Promise* disk = FindPromise(sample, after + "file-system")) {
      ++checked;
      if (disk->held)
        ++sound;
      else
        failures.push_back("file system: " + disk->detail);
    }
    if (const auto took = NumberIn(upgrade, "exchange_s")) seconds.push_back(*took);
    const auto moved = NumberIn(upgrade, "bytes_per_user");
    if (moved && (bytes.is_null() || *moved > bytes)) bytes = *moved;
    if (const json why = upgrade.value("failure", json()); why.is_string()) failures.push_back(why);
  }
  const std::string why = WhyNoUpgrade(arm);
  return {{"arm", arm.id},           {"of", of},
          {"booted", booted},        {"exchange_s", seconds},
          {"bytes_per_user", bytes}, {"overrides_kept", kept},
          {"updates_seen", updates}, {"file_system_clean", checked == 0 ? json() : json(sound)},
          {"possible", why.empty()}, {"why", why},
          {"failures", failures}};
}

}  // namespace

json StorageGrowthJson(const RunRecord& record) {
  // Jobs write for a time, so guests that ran them did not all do the same.
  if (!record.plan.experiment.jobs.empty()) return json();
  json arms = json::array();
  for (const Arm& arm : record.plan.experiment.arms)
    if (json growth = ArmGrowth(record, arm); !growth.is_null() && !arm.control)
      arms.push_back(std::move(growth));
  if (arms.empty()) return json();
  return {{"arms", arms}, {"users", kModelledUsers}};
}

json UpgradesJson(const RunRecord& record) {
  const bool any =
      std::any_of(record.samples.begin(), record.samples.end(),
                  [](const Sample& sample) { return !RawObject(sample, "upgrade").is_null(); });
  if (!any) return json();
  json list = json::array();
  for (const Arm& arm : record.plan.experiment.arms)
    if (!arm.control) list.push_back(ArmUpgrade(record, arm));
  return list;
}

}  // namespace blendbench
