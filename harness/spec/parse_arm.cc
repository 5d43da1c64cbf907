// SPDX-License-Identifier: MIT
#include "harness/spec/parse_arm.h"

#include <fmt/format.h>

#include <set>

#include "harness/base/text.h"

namespace blendbench {
namespace {

// Two arms are the same experiment when all that reaches the guest is the same.
bool SameSettings(const Arm& a, const Arm& b) {
  return a.layout == b.layout && a.engine == b.engine && a.engine_options == b.engine_options &&
         a.handicap == b.handicap;
}

}  // namespace

Handicap ReadHandicap(TomlReader& arm, bool on_host, TomlErrors& errors) {
  Handicap handicap;
  const toml::table* table = arm.Table("handicap");
  if (table == nullptr) return handicap;
  TomlReader reader(*table, "arm.handicap", {"pause", "boot_delay_s", "boot_work", "disk_mbps"},
                    errors);
  handicap.pause = reader.Number("pause", 0, 0, 10);
  handicap.boot_delay_s = reader.Number("boot_delay_s", 0, 0, 600);
  handicap.boot_work = reader.Integer("boot_work", 0, 0, int64_t{1} << 40);
  handicap.disk_mbps = reader.Number("disk_mbps", 0, 0, 1e6);
  if (on_host && handicap.disk_mbps > 0)
    reader.Error("disk_mbps", "\"disk_mbps\" limits the disks of a guest; remove it");
  return handicap;
}

NoiseRules ReadNoiseRules(TomlReader& root, TomlErrors& errors) {
  NoiseRules rules;
  const toml::table* table = root.Table("noise");
  if (table == nullptr) return rules;
  TomlReader reader(*table, "noise", {"max_steal", "max_foreign"}, errors);
  rules.max_steal = reader.Number("max_steal", rules.max_steal, 0, 1);
  rules.max_foreign = reader.Number("max_foreign", rules.max_foreign, 0, 1);
  return rules;
}

void CheckArms(const Experiment& experiment, TomlReader& root) {
  if (experiment.arms.empty()) return root.Error("arm", "no arms; add at least one [[arm]]");
  std::set<std::string> ids;
  const Arm* reference = nullptr;
  for (const Arm& arm : experiment.arms) {
    if (!ids.insert(arm.id).second)
      root.Error("arm", fmt::format("arm id \"{}\" is used twice", arm.id));
    if (arm.reference && reference) {
      root.Error("arm", fmt::format("arms \"{}\" and \"{}\" both have reference = true; keep one",
                                    reference->id, arm.id));
    }
    if (arm.reference) reference = &arm;
  }
  if (!reference)
    return root.Error("arm", "no arm has reference = true; mark the one to compare with");
  for (const Arm& arm : experiment.arms) {
    if (!arm.control) continue;
    if (arm.reference)
      root.Error("arm", fmt::format("arm \"{}\" cannot be reference and control at once", arm.id));
    if (!SameSettings(arm, *reference)) {
      root.Error(
          "arm",
          fmt::format(
              "control \"{}\" must have the layout, engine and options of the reference \"{}\"",
              arm.id, reference->id));
    }
  }
}

std::vector<std::string> ReadNames(TomlReader& root, const std::string& key,
                                   const std::string& what, const std::vector<std::string>& all,
                                   const std::function<bool(const std::string& name)>& exists) {
  std::vector<std::string> names = root.Texts(key);
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!exists(name)) {
      const std::string nearest = Nearest(name, all);
      root.Error(key, fmt::format("unknown {} \"{}\"; {}", what, name,
                                  nearest.empty() ? "it must be one of: " + Join(all, ", ")
                                                  : fmt::format("did you mean \"{}\"?", nearest)));
    }
    if (!seen.insert(name).second)
      root.Error(key, fmt::format("{} \"{}\" is there twice", what, name));
  }
  return names;
}

}  // namespace blendbench
