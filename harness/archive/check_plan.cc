// SPDX-License-Identifier: MIT
#include "harness/archive/check_plan.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "harness/archive/compare_json.h"
#include "harness/base/text.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

using nlohmann::json;

// No spec has more; statistics over more would take a hostile plan's fill of memory.
constexpr int kMostSpecBlocks = 2000;
constexpr size_t kMostArms = 200;

bool IsTooLarge(const Plan& plan) {
  const int most = IsExternal(plan.experiment) ? kMostBlocks : kMostSpecBlocks;
  return plan.experiment.blocks < 0 || plan.experiment.blocks > most ||
         plan.experiment.arms.size() > kMostArms ||
         plan.steps.size() > static_cast<size_t>(most) * kMostArms;
}

// As `run` does it: the command line may have other blocks, another seed and, for guests, another substrate.
void TakeOptions(const Experiment& planned, Experiment& experiment) {
  experiment.blocks = planned.blocks;
  experiment.seed = planned.seed;
  if (!OnHost(experiment) && !OnHost(planned)) experiment.substrate = planned.substrate;
}

}  // namespace

void CompareExperiments(const Experiment& archived, const Experiment& derived,
                        const std::string& source, Mismatches& mismatches) {
  const json a = ToJson(Plan{archived, {}, ""}), b = ToJson(Plan{derived, {}, ""});
  for (const JsonDifference& one :
       CompareJson(a["experiment"], b["experiment"], kMostNamed).differences)
    mismatches.push_back({"plan", "plan.json",
                          fmt::format("{}: the plan says {}, {} gives {}", one.place, one.archived,
                                      source, one.derived)});
}

bool CheckPlan(const RunFolder& run, const FileMap& files, Mismatches& mismatches) {
  const Experiment& experiment = run.plan().experiment;
  auto wrong = [&](const std::string& what) { mismatches.push_back({"plan", "plan.json", what}); };
  if (IsTooLarge(run.plan())) {
    wrong("is larger than any experiment; nothing was recomputed");
    return false;
  }
  if (IsExternal(experiment)) return true;
  if (MakePlan(experiment, run.plan().claims_sha256).steps != run.plan().steps)
    wrong("does not have the order that its seed gives");
  const auto spec = files.find("runs/" + run.id() + "/spec.toml");
  if (spec == files.end() || Sha256Hex(spec->second) != experiment.spec_sha256) {
    wrong("was made of another spec.toml");
    return true;
  }
  auto derived = ParseExperiment(spec->second, "spec.toml");
  if (!derived) {
    wrong("was made of a spec.toml that is none: " + OneLine(derived.error()));
    return true;
  }
  TakeOptions(experiment, *derived);
  *derived = MakePlan(*derived, "").experiment;
  CompareExperiments(experiment, *derived, "spec.toml", mismatches);
  return true;
}

void CheckSteps(const RunFolder& run, Mismatches& mismatches) {
  // What imported samples say of themselves is recomputed from their files.
  const bool external = IsExternal(run.plan().experiment);
  const json wanted = {{"plan_sha256", run.plan_sha256()},
                       {"spec_sha256", run.plan().experiment.spec_sha256},
                       {"images", run.environment().images},
                       {"substrate", run.environment().substrate}};
  size_t named = 0;
  auto wrong = [&](const char* kind, const Sample& sample, const std::string& what) {
    if (++named > kMostNamed) return;
    mismatches.push_back(
        {kind, fmt::format("block {}, arm {}", sample.block, OneLine(sample.arm)), what});
  };
  std::map<std::pair<int, std::string>, int> orders;
  for (const Step& step : run.plan().steps) orders.try_emplace({step.block, step.arm}, step.order);
  for (const Sample& sample : run.samples()) {
    const auto order = orders.find({sample.block, sample.arm});
    if (order == orders.end() || order->second != sample.order)
      wrong("sample", sample,
            fmt::format("it was number {} of its block, which is not the plan's order",
                        sample.order));
    if (!sample.provenance.is_object()) {
      wrong("provenance", sample, "it has none");
      continue;
    }
    if (external) continue;
    for (const auto& [member, value] : wanted.items()) {
      if (!sample.provenance.contains(member))
        wrong("provenance", sample, fmt::format("it does not tell its {}", member));
      else if (sample.provenance[member] != value)
        wrong("provenance", sample, fmt::format("its {} is not the run's", member));
    }
  }
}

}  // namespace blendbench
