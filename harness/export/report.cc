// SPDX-License-Identifier: MIT
#include "harness/export/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "harness/export/host_report.h"
#include "harness/export/json_parts.h"
#include "harness/export/promise_figures.h"
#include "harness/gate/bytes.h"
#include "harness/spec/disk_roles.h"
#include "harness/spec/metrics.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr int kSchema = 1;

template <typename T>
json Optional(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json RatioInterval(const std::optional<stats::Interval>& interval) {
  if (!interval) return json();
  return json::array({RatioJson(interval->low), RatioJson(interval->high)});
}

json RunJson(const RunRecord& record) {
  const Experiment& experiment = record.plan.experiment;
  json object = RunFactsJson(record);
  object["profile"] = experiment.name;
  object["emulated"] =
      record.environment.substrate != "kvm" && !OnHost(experiment) && !IsExternal(experiment);
  return object;
}

json ArmsJson(const Experiment& experiment) {
  json arms = json::array();
  for (const Arm& arm : experiment.arms) {
    arms.push_back(ArmFactsJson(arm));
    arms.back()["handicap"] = Describe(arm.handicap);
    if (json settings = ToJson(arm.guest); !settings.empty())
      arms.back()["settings"] = std::move(settings);
    if (arm.at) arms.back()["at"] = *arm.at;
  }
  return arms;
}

// What each engine among the arms' cannot do, and why.
json EnginesJson(const Experiment& experiment) {
  json list = json::array();
  std::vector<EngineDescriptor> known = BuiltInEngines();
  known.insert(known.end(), experiment.engines.begin(), experiment.engines.end());
  std::set<std::string> told;
  for (const Arm& arm : experiment.arms)
    for (const EngineDescriptor& engine : known)
      if (engine.name == arm.engine && told.insert(engine.name).second)
        list.push_back({{"name", engine.name}, {"cannot", engine.cannot}});
  return list;
}

// Promises have a place of their own.
json SampleJson(const Sample& sample) {
  json object = SampleFactsJson(sample);
  object.erase("promises");
  return object;
}

// The comparison's reasons, and for a job whose bytes did not come from the disks, that.
std::vector<std::string> ReasonsOf(const RunRecord& record, const Comparison& comparison) {
  std::vector<std::string> reasons = comparison.judged.non_inferiority.reasons;
  for (std::string& note : CacheNotes(record.plan.experiment, record.samples, comparison.metric.id,
                                      {comparison.arm, comparison.reference}))
    reasons.push_back(std::move(note));
  return reasons;
}

json ComparisonJson(const RunRecord& record, const Comparison& comparison,
                    const std::string& stamp) {
  const stats::Judged& judged = comparison.judged;
  json pairs = json::array();
  for (const Pair& pair : comparison.pairs) {
    pairs.push_back({{"block", pair.block}, {"log_ratio", pair.log_ratio}});
  }
  return {
      {"metric", comparison.metric.id},
      {"arm", comparison.arm},
      {"reference", comparison.reference},
      {"control", comparison.control},
      {"n", judged.n},
      {"ratio", RatioJson(judged.mean)},
      {"ci90", RatioInterval(judged.student)},
      {"hodges_lehmann", RatioJson(judged.hodges_lehmann)},
      {"signed_rank_ci", RatioInterval(judged.signed_rank)},
      {"signed_rank_level", judged.signed_rank ? NumberJson(judged.signed_rank->level) : json()},
      {"sd_log", NumberJson(judged.sd)},
      {"margin", comparison.margin},
      {"smallest_margin", Optional(judged.smallest_margin)},
      {"smallest_equivalence_margin", Optional(judged.smallest_equivalence_margin)},
      {"non_inferiority",
       VerdictName(FromFinding(judged.non_inferiority.finding, Verdict::kNonInferior))},
      {"equivalence", VerdictName(FromFinding(judged.equivalence.finding, Verdict::kEquivalent))},
      {"p_beyond_margin", NumberJson(judged.p_beyond_margin)},
      {"p_different", NumberJson(judged.p_different)},
      {"p_different_holm", NumberJson(comparison.p_holm)},
      {"blocks_for_90_power", Optional(comparison.blocks_for_power)},
      {"stamp", stamp},
      {"reasons", ReasonsOf(record, comparison)},
      {"equivalence_reasons", judged.equivalence.reasons},
      {"pairs", pairs}};
}

json PartJson(const ClaimPart& part) {
  json object = {
      {"arm", part.arm}, {"indicative", VerdictName(part.indicative)}, {"reasons", part.reasons}};
  if (part.metric.empty()) {
    object["check"] = part.check;
  } else {
    object["metric"] = part.metric;
    object["reference"] = part.reference;
    object["equivalence"] = VerdictName(part.equivalence);
    object["smallest_margin"] = Optional(part.smallest_margin);
    object["margin_curve"] = json::array();
    for (const stats::MarginPoint& point : part.curve) {
      object["margin_curve"].push_back(
          {{"margin", point.margin},
           {"verdict", VerdictName(FromFinding(point.non_inferiority, Verdict::kNonInferior))},
           {"equivalence", VerdictName(FromFinding(point.equivalence, Verdict::kEquivalent))}});
    }
  }
  return object;
}

// Each metric of a claim that rests on several machines, by machine; empty for one.
json AcrossJson(const std::vector<AcrossMachines>& across) {
  json list = json::array();
  for (const AcrossMachines& one : across) {
    json machines = json::array();
    for (const MachineRatio& ratio : one.machines)
      machines.push_back(
          {{"name", ratio.name}, {"n", ratio.n}, {"ratio", RatioJson(ratio.log_ratio)}});
    list.push_back({{"metric", one.metric},
                    {"p_differ_holm", NumberJson(one.p_differ)},
                    {"machines", machines}});
  }
  return list;
}

json ClaimJson(const ClaimVerdict& result) {
  const Claim& claim = result.claim;
  const bool timing = claim.rule == Rule::kNonInferiority;
  json parts = json::array();
  for (const ClaimPart& part : result.parts) parts.push_back(PartJson(part));
  json object = {{"id", claim.id},
                 {"title", claim.title},
                 {"statement", claim.statement},
                 {"source", claim.source},
                 {"role", claim.role},
                 {"rule", RuleName(claim.rule)},
                 {"arm", claim.arm},
                 {"reference", timing ? json(claim.reference) : json()},
                 {"margin", timing ? json(claim.margin) : json()},
                 {"sha256", claim.sha256},
                 {"verdict", VerdictName(result.verdict)},
                 {"indicative", VerdictName(result.indicative)},
                 {"equivalence", timing ? json(VerdictName(result.equivalence)) : json()},
                 {"stamp", result.stamp},
                 {"reasons", result.reasons},
                 {"parts", parts}};
  if (json across = AcrossJson(result.across); !across.empty())
    object["machines"] = std::move(across);
  return object;
}

json RateJson(const stats::Rate& rate) {
  return {{"count", rate.hits},
          {"comparisons", rate.of},
          {"rate", rate.of == 0 ? json() : json(static_cast<double>(rate.hits) / rate.of)},
          {"interval95", json::array({rate.low, rate.high})}};
}

json ControlsJson(const Controls& controls) {
  json object = RateJson(controls.false_alarms);
  object["false_alarms"] = object["count"];
  object.erase("count");
  object["intervals_excluding_equal"] = RateJson(controls.intervals_off_one);
  object["note"] =
      "A against A', every metric, at the claims' margins; the metrics of one guest are not "
      "independent, so the "
      "interval is a guide";
  return object;
}

json PromisesJson(const std::vector<CheckTally>& promises) {
  json list = json::array();
  for (const CheckTally& tally : promises) {
    json arms = json::object();
    for (const auto& [arm, seen] : tally.arms) {
      arms[arm] = {{"held", seen.held},
                   {"of", seen.of},
                   {"expected", seen.expected},
                   {"detail", seen.first_broken}};
    }
    list.push_back({{"check", tally.check}, {"label", tally.label}, {"arms", arms}});
  }
  return list;
}

// Whether the image an arm boots from has the digest it had before the run; null when nobody
// looked.
json DigestUnchanged(const Environment& environment, const Arm& arm) {
  const std::string image = DiskRoles(arm, false).front().image;  // the system's disk comes first
  const auto before = environment.images.find(image);
  const auto after = environment.images_after.find(image);
  const bool known = before != environment.images.end() && after != environment.images_after.end();
  return known ? json(before->second == after->second) : json();
}

// The most bytes one guest of the arm wrote to `disk`; null when no sample tells.
json MostWritten(const RunRecord& record, const std::string& arm, const std::string& disk) {
  json most;
  for (const Sample& sample : record.samples) {
    if (sample.arm != arm || !sample.raw.is_object()) continue;
    const json storage = sample.raw.value("storage", json());
    const json bytes =
        storage.is_object() ? storage.value(disk + "_bytes_written", json()) : json();
    if (bytes.is_number() && (most.is_null() || bytes > most)) most = bytes;
  }
  return most;
}

json ArmStorage(const RunRecord& record, const Arm& arm) {
  json storage = {{"arm", arm.id},
                  {"system_digest_unchanged", DigestUnchanged(record.environment, arm)},
                  {"note", "the most that one guest wrote"}};
  bool told = !storage["system_digest_unchanged"].is_null();
  for (const char* disk : {"system", "app", "user"}) {
    json most = MostWritten(record, arm.id, disk);
    told = told || !most.is_null();
    storage[std::string(disk) + "_bytes_written"] = std::move(most);
  }
  return told ? storage : json();
}

json StorageJson(const RunRecord& record) {
  json list = json::array();
  for (const Arm& arm : record.plan.experiment.arms) {
    json storage = ArmStorage(record, arm);
    if (!storage.is_null()) list.push_back(std::move(storage));
  }
  return list;
}

}  // namespace

json MakeReport(const RunRecord& record, const Analysis& analysis) {
  const Experiment& experiment = record.plan.experiment;
  const std::string stamp = StampFor(record.environment.substrate);
  json samples = json::array(), comparisons = json::array(), claims = json::array();
  for (const Sample& sample : record.samples) samples.push_back(SampleJson(sample));
  for (const Comparison& comparison : analysis.comparisons) {
    comparisons.push_back(ComparisonJson(record, comparison, stamp));
  }
  for (const ClaimVerdict& verdict : analysis.verdicts) claims.push_back(ClaimJson(verdict));
  json report = {
      {"schema", kSchema},
      {"run", RunJson(record)},
      {"arms", ArmsJson(record.plan.experiment)},
      {"metrics", MetricsToJson(MetricsOf(record.plan.experiment))},
      {"samples", samples},
      {"comparisons", comparisons},
      {"claims", claims},
      {"controls", ControlsJson(analysis.controls)},
      {"promises", PromisesJson(analysis.promises)},
      {"storage", StorageJson(record)},
      {"failures", {{"total", analysis.failures.total}, {"by_arm", analysis.failures.by_arm}}}};
  json discarded = json::array();
  for (const auto& [block, reason] : analysis.discarded)
    discarded.push_back({{"block", block}, {"reason", reason}});
  report["noise"] = {{"rules", ToJson(record.plan.experiment.noise)}, {"discarded", discarded}};
  if (!record.calibration.is_null()) report["calibration"] = record.calibration;
  if (!record.diagnosis.is_null()) report["diagnosis"] = record.diagnosis;
  if (experiment.dimension.any()) report["dimension"] = ToJson(experiment.dimension);
  if (json engines = EnginesJson(experiment); !engines.empty()) report["engines"] = engines;
  if (json growth = StorageGrowthJson(record); !growth.is_null())
    report["storage_growth"] = std::move(growth);
  if (json upgrades = UpgradesJson(record); !upgrades.is_null())
    report["upgrades"] = std::move(upgrades);
  if (json host = HostReport(record); !host.is_null()) report["host"] = std::move(host);
  return report;
}

}  // namespace blendbench
