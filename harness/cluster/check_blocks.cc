// SPDX-License-Identifier: MIT
#include "harness/cluster/check_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/base/text.h"
#include "harness/spec/machines.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr size_t kMostShown = 64;

// A text of the provenance; "" when it tells none.
std::string Told(const Sample& sample, const char* member) {
  const auto found =
      sample.provenance.is_object() ? sample.provenance.find(member) : sample.provenance.end();
  if (!sample.provenance.is_object() || found == sample.provenance.end() || !found->is_string())
    return "";
  return found->get<std::string>();
}

std::string Shown(const std::string& value) {
  return value.empty() ? "none" : OneLine(value.substr(0, kMostShown));
}

std::string NameOf(const Sample& sample) {
  return fmt::format("the sample of block {}, arm {}", sample.block,
                     OneLine(sample.arm.substr(0, kMostShown)));
}

// Collects reasons; a block with a thousand wrong samples needs no thousand lines.
class Reasons {
 public:
  void Add(std::string reason) {
    if (reasons_.size() < kMost) reasons_.push_back(std::move(reason));
  }
  std::vector<std::string> Take() { return std::move(reasons_); }

 private:
  static constexpr size_t kMost = 10;
  std::vector<std::string> reasons_;
};

void CheckPlaces(const BlockResult& result, const Plan& plan, Reasons& reasons) {
  std::map<std::string, int> orders;  // of the block's arms
  for (const Step& step : plan.steps)
    if (step.block == result.block) orders[step.arm] = step.order;
  if (orders.empty()) {
    reasons.Add(fmt::format("the plan has no block {}", result.block));
    return;
  }
  std::set<std::string> arms;
  std::set<int> positions;
  for (const Sample& sample : result.samples) {
    if (sample.block != result.block) {
      reasons.Add(NameOf(sample) + " is of another block");
      continue;
    }
    const auto order = orders.find(sample.arm);
    if (order == orders.end()) {
      reasons.Add(NameOf(sample) + " is of an arm that the plan does not have");
      continue;
    }
    if (order->second != sample.order)
      reasons.Add(fmt::format("{} was number {} of its block, the plan says {}", NameOf(sample),
                              sample.order, order->second));
    if (!arms.insert(sample.arm).second)
      reasons.Add(NameOf(sample) + " is there twice");
    else if (!positions.insert(sample.order).second)
      reasons.Add(fmt::format("{} has the position {} of another", NameOf(sample), sample.order));
  }
  for (const auto& [arm, order] : orders)
    if (arms.count(arm) == 0)
      reasons.Add(fmt::format("there is no sample of block {}, arm {}", result.block, arm));
}

void CheckText(const Sample& sample, const char* member, const std::string& wanted,
               Reasons& reasons) {
  const std::string told = Told(sample, member);
  if (told != wanted)
    reasons.Add(fmt::format("{} has another {}: {}, not the run's {}", NameOf(sample), member,
                            Shown(told), Shown(wanted)));
}

std::map<std::string, std::string> ImagesOf(const Sample& sample) {
  std::map<std::string, std::string> images;
  if (!sample.provenance.is_object()) return images;
  const json listed = sample.provenance.value("images", json());
  if (!listed.is_object()) return images;
  for (const auto& [name, digest] : listed.items())
    images[name] = digest.is_string() ? digest.get<std::string>() : "";
  return images;
}

void CheckImages(const Sample& sample, const RunFacts& facts, Reasons& reasons) {
  const auto images = ImagesOf(sample);
  for (const auto& [name, digest] : images) {
    const auto wanted = facts.images.find(name);
    if (wanted == facts.images.end())
      reasons.Add(fmt::format("{} used the image {}, which the bundle does not name",
                              NameOf(sample), Shown(name)));
    else if (wanted->second != digest)
      reasons.Add(fmt::format("{} used another image {}: {}, not {}", NameOf(sample), Shown(name),
                              Shown(digest), Shown(wanted->second)));
  }
  if (images != facts.used)
    reasons.Add(NameOf(sample) + " used other images than the run's other samples");
}

// The harness is the bundle's, and the workloads' program where a sample tells it.
void CheckPrograms(const Sample& sample, const RunFacts& facts, Reasons& reasons) {
  CheckText(sample, "blendbench_sha256", facts.blendbench_sha256, reasons);
  if (const std::string told = Told(sample, "blendload_sha256");
      !told.empty() && told != facts.blendload_sha256)
    reasons.Add(NameOf(sample) + " was measured with another blendload than the bundle's");
}

void CheckProvenance(const BlockResult& result, const RunFacts& of_run, Reasons& reasons) {
  RunFacts facts = of_run;
  Learn(result, facts);  // a first block has to agree with itself
  std::set<std::string> machines;
  for (const Sample& sample : result.samples) {
    CheckText(sample, "plan_sha256", facts.plan_sha256, reasons);
    CheckText(sample, "spec_sha256", facts.spec_sha256, reasons);
    CheckText(sample, "substrate", facts.substrate, reasons);
    CheckPrograms(sample, facts, reasons);
    CheckImages(sample, facts, reasons);
    if (MachineOf(sample).empty())
      reasons.Add(NameOf(sample) + " does not tell which machine it was measured on");
    machines.insert(MachineOf(sample));
  }
  if (facts.substrate.empty()) reasons.Add("it does not tell its substrate");
  if (machines.size() > 1)
    reasons.Add(
        fmt::format("{} machines measured it, and machines are not compared with one "
                    "another",
                    machines.size()));
}

}  // namespace

RunFacts FactsOf(const RunFolder& run, const Bundle& bundle) {
  RunFacts facts;
  facts.plan_sha256 = run.plan_sha256();
  facts.spec_sha256 = run.plan().experiment.spec_sha256;
  facts.blendbench_sha256 = bundle.DigestOf("bin/blendbench");
  facts.blendload_sha256 = bundle.DigestOf("bin/blendload");
  facts.images = bundle.images;
  facts.substrate = run.environment().substrate;
  facts.used = run.environment().images;
  return facts;
}

std::vector<std::string> Refusals(const BlockResult& result, const Plan& plan,
                                  const RunFacts& facts) {
  Reasons reasons;
  if (result.plan_sha256 != facts.plan_sha256)
    reasons.Add(fmt::format("it is of another plan: {}, not the run's {}",
                            Shown(result.plan_sha256), Shown(facts.plan_sha256)));
  CheckPlaces(result, plan, reasons);
  CheckProvenance(result, facts, reasons);
  return reasons.Take();
}

void Learn(const BlockResult& result, RunFacts& facts) {
  if (!facts.substrate.empty() || result.samples.empty()) return;
  facts.substrate = Told(result.samples.front(), "substrate");
  facts.used = ImagesOf(result.samples.front());
}

}  // namespace blendbench
