// SPDX-License-Identifier: MIT
#include "harness/spec/noise.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/spec/machines.h"

namespace blendbench {
namespace {

// A number of provenance.noise; 0, which breaks no rule, when it is not there.
double Recorded(const Sample& sample, const char* name) {
  const nlohmann::json::json_pointer place(std::string("/noise/") + name);
  if (!sample.provenance.is_object() || !sample.provenance.contains(place)) return 0;
  const nlohmann::json& value = sample.provenance.at(place);
  return value.is_number() ? value.get<double>() : 0;
}

std::string Broken(const NoiseRules& rules, const Sample& sample) {
  const double steal = Recorded(sample, "steal"), foreign = Recorded(sample, "foreign");
  if (steal > rules.max_steal)
    return fmt::format(
        "{:.0f} % of the processor time was stolen in step {}, the plan allows {:g} %", steal * 100,
        sample.order, rules.max_steal * 100);
  if (foreign > rules.max_foreign)
    return fmt::format(
        "others used {:.0f} % of the processors before step {}, the plan allows {:g} %",
        foreign * 100, sample.order, rules.max_foreign * 100);
  return "";
}

}  // namespace

nlohmann::json ToJson(const NoiseRules& rules) {
  return {{"max_steal", rules.max_steal}, {"max_foreign", rules.max_foreign}};
}

NoiseRules NoiseRulesFromJson(const nlohmann::json& object) {
  NoiseRules rules;
  rules.max_steal = object.at("max_steal");
  rules.max_foreign = object.at("max_foreign");
  return rules;
}

std::map<int, std::string> NoisyBlocks(const NoiseRules& rules,
                                       const std::vector<Sample>& samples) {
  std::map<int, std::string> blocks, machines;
  for (const Sample& sample : samples) {
    if (const std::string reason = Broken(rules, sample); !reason.empty())
      blocks.emplace(sample.block, reason);
    // A machine is compared with itself alone.
    const std::string machine = MachineOf(sample);
    if (!machine.empty() && machines.emplace(sample.block, machine).first->second != machine)
      blocks.emplace(sample.block, "two machines measured it, each a part");
  }
  return blocks;
}

std::vector<Sample> WithoutBlocks(const std::vector<Sample>& samples,
                                  const std::map<int, std::string>& blocks) {
  std::vector<Sample> kept;
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(kept),
               [&](const Sample& sample) { return blocks.count(sample.block) == 0; });
  return kept;
}

}  // namespace blendbench
