// SPDX-License-Identifier: MIT
#include "harness/gate/machines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"
#include "harness/spec/machines.h"
#include "harness/stats/groups.h"
#include "harness/stats/paired.h"
#include "harness/stats/rates.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr double kAlpha = 0.05;
constexpr const char* kFacts[] = {"cpu", "cores", "kernel", "memory_mib"};
// Machines of one make differ in these by what the firmware keeps for itself.
constexpr const char* kDecisive[] = {"cpu", "cores", "kernel"};

json FactsOf(const Sample& sample) {
  json facts = json::object();
  const json host = sample.provenance.value("host", json::object());
  for (const char* name : kFacts)
    if (host.is_object() && host.contains(name) && host[name].is_primitive())
      facts[name] = host[name];
  return facts;
}

std::string FactText(const json& facts, const char* name) {
  const auto found = facts.find(name);
  if (found == facts.end()) return "";
  return OneLine(found->is_string() ? found->get<std::string>() : found->dump());
}

// "cpu (A; B)" for a fact of which there are several values; "" otherwise.
std::string Difference(const std::vector<MachineShare>& machines, const char* name) {
  std::vector<std::string> values;
  for (const MachineShare& share : machines) {
    const std::string value = FactText(share.facts, name);
    if (!value.empty() && std::find(values.begin(), values.end(), value) == values.end())
      values.push_back(value);
  }
  return values.size() < 2 ? "" : fmt::format("{} ({})", name, Join(values, "; "));
}

std::string SharesText(const std::vector<MachineShare>& machines) {
  std::vector<std::string> parts;
  for (const MachineShare& share : machines)
    parts.push_back(fmt::format("{}: {} {}", share.name,
                                share.blocks.size() == 1 ? "block" : "blocks",
                                BlocksText(share.blocks)));
  return Join(parts, "; ");
}

std::string RatiosText(const AcrossMachines& one) {
  std::vector<std::string> parts;
  for (const MachineRatio& ratio : one.machines)
    parts.push_back(fmt::format("{} {:.3f} ({})", ratio.name, std::exp(ratio.log_ratio), ratio.n));
  return Join(parts, ", ");
}

}  // namespace

std::vector<MachineShare> MachinesOf(const std::vector<Sample>& samples) {
  std::vector<MachineShare> machines;
  for (const Sample& sample : samples) {
    const std::string machine = MachineOf(sample);
    if (machine.empty()) continue;
    auto share = std::find_if(machines.begin(), machines.end(),
                              [&](const MachineShare& one) { return one.machine == machine; });
    if (share == machines.end())
      share =
          machines.insert(share, MachineShare{machine, MachineNameOf(sample), {}, FactsOf(sample)});
    share->blocks.push_back(sample.block);
  }
  for (MachineShare& share : machines) {
    std::sort(share.blocks.begin(), share.blocks.end());
    share.blocks.erase(std::unique(share.blocks.begin(), share.blocks.end()), share.blocks.end());
  }
  std::stable_sort(
      machines.begin(), machines.end(),
      [](const MachineShare& a, const MachineShare& b) { return a.blocks < b.blocks; });
  return machines;
}

std::vector<AcrossMachines> CompareMachines(const std::vector<Comparison>& comparisons,
                                            const std::vector<MachineShare>& machines) {
  std::vector<AcrossMachines> all;
  std::vector<double> p_values;
  for (const Comparison& comparison : comparisons) {
    AcrossMachines one{comparison.metric.id, {}, 0};
    std::vector<std::vector<double>> groups;
    for (const MachineShare& share : machines) {
      std::vector<double> values;
      for (const Pair& pair : comparison.pairs)
        if (std::binary_search(share.blocks.begin(), share.blocks.end(), pair.block))
          values.push_back(pair.log_ratio);
      if (values.empty()) continue;
      one.machines.push_back({share.name, static_cast<int>(values.size()), stats::Mean(values)});
      groups.push_back(std::move(values));
    }
    p_values.push_back(stats::GroupsDifferP(groups));
    all.push_back(std::move(one));
  }
  const std::vector<double> adjusted = stats::Holm(p_values);
  for (size_t i = 0; i < all.size(); ++i) all[i].p_differ = adjusted[i];
  return all;
}

std::vector<std::string> MachineNotes(const std::vector<AcrossMachines>& across,
                                      const std::vector<MachineShare>& machines) {
  if (machines.size() < 2) return {};
  std::vector<std::string> notes;
  notes.push_back(fmt::format("rests on {} machines, each block on one of them ({})",
                              machines.size(), SharesText(machines)));
  std::vector<std::string> differences;
  for (const char* name : kDecisive)
    if (const std::string difference = Difference(machines, name); !difference.empty())
      differences.push_back(difference);
  if (!differences.empty())
    notes.push_back("warning: the machines are not of one kind, they differ in " +
                    Join(differences, ", "));
  size_t differing = 0, unknown = 0;
  for (const AcrossMachines& one : across) {
    if (!std::isfinite(one.p_differ)) ++unknown;
    if (!(one.p_differ <= kAlpha)) continue;
    ++differing;
    notes.push_back(
        fmt::format("warning: the machines do not agree on {}, p = {:.2g} after Holm's correction; "
                    "ratio by machine (blocks): {}",
                    one.metric, one.p_differ, RatiosText(one)));
  }
  if (across.empty() || differing > 0) return notes;
  if (unknown == across.size()) {
    notes.push_back("with so few blocks a machine it cannot be told whether the machines agree");
  } else {
    notes.push_back(
        fmt::format("the machines' ratios do not differ beyond chance in any of {} "
                    "metrics (analysis of variance, Holm, 5 %)",
                    across.size() - unknown));
  }
  return notes;
}

}  // namespace blendbench
