// SPDX-License-Identifier: MIT
#include "harness/gate/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"
#include "harness/gate/bytes.h"
#include "harness/stats/rates.h"

namespace blendbench {
namespace {

constexpr double kAlpha = 0.05;

bool HasArm(const Experiment& experiment, const std::string& id) {
  return std::any_of(experiment.arms.begin(), experiment.arms.end(),
                     [&](const Arm& arm) { return arm.id == id; });
}

std::vector<std::string> PartsThat(const std::vector<ClaimPart>& parts, Verdict verdict) {
  std::vector<std::string> names;
  for (const ClaimPart& part : parts) {
    if (part.indicative == verdict) names.push_back(part.metric);
  }
  return names;
}

bool AllParts(const std::vector<ClaimPart>& parts, Verdict ClaimPart::*member, Verdict verdict) {
  return !parts.empty() && std::all_of(parts.begin(), parts.end(), [&](const ClaimPart& part) {
    return part.*member == verdict;
  });
}

void AddReason(ClaimVerdict& result, const char* intro, const std::vector<std::string>& names) {
  if (!names.empty()) result.reasons.push_back(intro + Join(names, ", "));
}

// A reason when guests of the arm failed, "" otherwise.
std::string FailedGuests(const Evidence& evidence, const std::string& arm) {
  const Failures failures = CountFailures(evidence.samples);
  const auto found = failures.by_arm.find(arm);
  if (found == failures.by_arm.end()) return "";
  const auto guests = std::count_if(evidence.samples.begin(), evidence.samples.end(),
                                    [&](const Sample& sample) { return sample.arm == arm; });
  return fmt::format("{} of {} guests of {} failed", found->second, guests, arm);
}

// Sets the indicative verdict and its reasons from parts that are all judged.
void CombineMetrics(ClaimVerdict& result, const std::vector<double>& p_refuted,
                    const std::vector<std::string>& obstacles) {
  const std::vector<double> adjusted = stats::Holm(p_refuted);
  std::vector<std::string> refuting;
  for (size_t i = 0; i < result.parts.size(); ++i) {
    if (result.parts[i].indicative == Verdict::kRefuted && adjusted[i] <= kAlpha) {
      refuting.push_back(result.parts[i].metric);
    }
  }
  if (!refuting.empty()) {
    result.indicative = Verdict::kRefuted;
    result.reasons.push_back("beyond the margin: " + Join(refuting, ", "));
  } else if (AllParts(result.parts, &ClaimPart::indicative, Verdict::kNonInferior)) {
    result.indicative = obstacles.empty() ? Verdict::kNonInferior : Verdict::kInconclusive;
    result.reasons.push_back("every metric lies below the margin");
  } else {
    result.indicative = Verdict::kInconclusive;
    AddReason(result, "undecided: ", PartsThat(result.parts, Verdict::kInconclusive));
    AddReason(result, "refuted alone, but not after Holm's correction: ",
              PartsThat(result.parts, Verdict::kRefuted));
  }
  if (obstacles.empty() && AllParts(result.parts, &ClaimPart::equivalence, Verdict::kEquivalent)) {
    result.equivalence = Verdict::kEquivalent;
  } else if (result.indicative == Verdict::kRefuted) {
    result.equivalence = Verdict::kRefuted;
  }
  result.reasons.insert(result.reasons.end(), obstacles.begin(), obstacles.end());
}

// Metrics of the path family, which claim to go past every cache, whose bytes did not.
std::vector<std::string> CachedMetrics(const Evidence& evidence, const Claim& claim,
                                       const std::vector<ClaimPart>& parts) {
  std::vector<std::string> cached;
  for (const FioJob& job : evidence.experiment.jobs) {
    const std::string metric = JobMetricId(job);
    const bool covered = std::any_of(parts.begin(), parts.end(),
                                     [&](const ClaimPart& part) { return part.metric == metric; });
    if (covered && job.family == "path" &&
        !CacheNotes(evidence.experiment, evidence.samples, metric, {claim.arm, claim.reference})
             .empty())
      cached.push_back(metric);
  }
  return cached;
}

void JudgeMetrics(const Evidence& evidence, ClaimVerdict& result) {
  const Claim& claim = result.claim;
  std::vector<std::string> unmatched, obstacles;
  std::vector<double> p_refuted;
  std::vector<Comparison> compared;
  const std::map<int, std::string> noisy = NoisyBlocks(evidence.experiment.noise, evidence.samples);
  const std::vector<Sample> kept = WithoutBlocks(evidence.samples, noisy);
  for (const Metric& metric : MetricsOfClaim(claim, MetricsOf(evidence.experiment), unmatched)) {
    const Comparison comparison =
        CompareOne(metric, claim.arm, claim.reference, claim.margin, kept);
    const stats::Judged& judged = comparison.judged;
    result.parts.push_back({metric.id, "", claim.arm, claim.reference,
                            FromFinding(judged.non_inferiority.finding, Verdict::kNonInferior),
                            FromFinding(judged.equivalence.finding, Verdict::kEquivalent),
                            judged.non_inferiority.reasons,
                            stats::MarginCurve(judged, claim.margin), judged.smallest_margin});
    for (const std::string& note :
         CacheNotes(evidence.experiment, evidence.samples, metric.id, {claim.arm, claim.reference}))
      result.parts.back().reasons.push_back(note);
    p_refuted.push_back(judged.p_beyond_margin);
    compared.push_back(comparison);
  }
  if (!unmatched.empty()) obstacles.push_back("not measured in this run: " + Join(unmatched, ", "));
  const std::string failed = FailedGuests(evidence, claim.arm);
  if (!failed.empty()) obstacles.push_back(failed);
  CombineMetrics(result, p_refuted, obstacles);
  AddReason(result, "not from the disks alone, see the metric's reasons: ",
            CachedMetrics(evidence, claim, result.parts));
  if (!noisy.empty())
    result.reasons.push_back(
        fmt::format("{} of {} blocks were discarded, by the plan's rules on noise or because two "
                    "machines measured them",
                    noisy.size(), evidence.experiment.blocks));
  const std::vector<MachineShare> machines = MachinesOf(kept);
  if (machines.size() > 1) result.across = CompareMachines(compared, machines);
  for (std::string& note : MachineNotes(result.across, machines))
    result.reasons.push_back(std::move(note));
}

void JudgeChecks(const Evidence& evidence, ClaimVerdict& result) {
  const Claim& claim = result.claim;
  std::vector<std::string> never;
  for (const std::string& check : claim.checks) {
    ClaimPart part{"", check, claim.arm, "", Verdict::kInconclusive, Verdict::kInconclusive,
                   {}, {},    {}};
    const auto tally = std::find_if(evidence.promises.begin(), evidence.promises.end(),
                                    [&](const CheckTally& t) { return t.check == check; });
    const bool made = tally != evidence.promises.end() && tally->arms.count(claim.arm) != 0;
    if (!made) {
      never.push_back(check);
      part.reasons.push_back("not checked in this run");
    } else {
      const Tally& seen = tally->arms.at(claim.arm);
      part.indicative = seen.held == seen.of ? Verdict::kHeld : Verdict::kNotHeld;
      part.reasons.push_back(fmt::format("held {} of {} times", seen.held, seen.of));
      if (seen.held != seen.of) {
        result.reasons.push_back(fmt::format("{} held {} of {} times: {}", check, seen.held,
                                             seen.of, seen.first_broken));
      }
    }
    result.parts.push_back(std::move(part));
  }
  const std::string failed = FailedGuests(evidence, claim.arm);
  if (!result.reasons.empty()) {
    result.indicative = Verdict::kNotHeld;
  } else if (never.empty() && failed.empty()) {
    result.indicative = Verdict::kHeld;
    result.reasons.push_back("every check held in every guest");
  }
  if (!never.empty()) result.reasons.push_back("not checked in this run: " + Join(never, ", "));
  if (!failed.empty()) result.reasons.push_back(failed);
}

}  // namespace

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHeld:
      return "HELD";
    case Verdict::kNotHeld:
      return "NOT HELD";
    case Verdict::kNonInferior:
      return "NON-INFERIOR";
    case Verdict::kEquivalent:
      return "EQUIVALENT";
    case Verdict::kRefuted:
      return "REFUTED";
    case Verdict::kInconclusive:
      return "INCONCLUSIVE";
    case Verdict::kNotDecidedHere:
      break;
  }
  return "NOT DECIDED HERE";
}

std::string StampFor(const std::string& substrate) {
  if (substrate == "kvm") return "";
  if (substrate == "icount") return "instructions, a regression signal and no evidence";
  if (substrate == "external") return "imported";
  if (substrate == "host") return "userspace only, indicative";
  return "emulated, indicative";
}

Verdict FromFinding(stats::Finding finding, Verdict when_it_holds) {
  if (finding == stats::Finding::kHolds) return when_it_holds;
  return finding == stats::Finding::kRefuted ? Verdict::kRefuted : Verdict::kInconclusive;
}

ClaimVerdict JudgeClaim(const Claim& claim, const Evidence& evidence) {
  ClaimVerdict result;
  result.claim = claim;
  result.stamp = StampFor(evidence.substrate);
  const bool timing = claim.rule == Rule::kNonInferiority;
  for (const std::string& arm : {claim.arm, timing ? claim.reference : claim.arm}) {
    if (HasArm(evidence.experiment, arm) || !result.reasons.empty()) continue;
    result.reasons.push_back(fmt::format("the experiment has no arm \"{}\"", arm));
  }
  if (result.reasons.empty()) {
    timing ? JudgeMetrics(evidence, result) : JudgeChecks(evidence, result);
  }
  result.verdict = result.indicative;
  if (!result.stamp.empty()) {
    result.verdict = Verdict::kNotDecidedHere;
    result.reasons.insert(
        result.reasons.begin(),
        fmt::format("claims are decided on kvm only; this run was on {}",
                    evidence.substrate.empty() ? "an unknown substrate" : evidence.substrate));
  }
  return result;
}

}  // namespace blendbench
