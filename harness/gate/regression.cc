// SPDX-License-Identifier: MIT
#include "harness/gate/regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"
#include "harness/gate/comparable.h"
#include "harness/stats/rates.h"

namespace blendbench {
namespace {

const Metric* FindMetric(const std::vector<Metric>& metrics, const std::string& id) {
  for (const Metric& metric : metrics)
    if (metric.id == id) return &metric;
  return nullptr;
}

int FailedSamples(const TrackedRun& run, const std::string& arm) {
  return static_cast<int>(
      std::count_if(run.samples.begin(), run.samples.end(), [&](const Sample& sample) {
        return sample.arm == arm && sample.status == SampleStatus::kFailed;
      }));
}

std::string Percent(double log_change) {
  const double percent = std::abs(std::expm1(log_change)) * 100;
  return fmt::format("{:.{}f} %", percent, percent < 9.95 ? 1 : 0);
}

// Logarithms are of "worse", so a throughput's sign is turned: half the speed is 100 % worse here,
// and 50 % lower to people.
std::string Words(const MetricShift& shift, double log_change) {
  const bool worse = log_change >= 0;
  if (shift.metric.lower_is_better) return Percent(log_change) + (worse ? " more" : " less");
  return Percent(-log_change) + (worse ? " lower" : " higher");
}

std::string Describe(const MetricShift& shift) {
  const stats::Shift& told = *shift.shift;
  return fmt::format("{} than the baseline [90 %: {} to {}], threshold {}, p {:.2g} after Holm",
                     Words(shift, told.mean), Words(shift, told.interval->low),
                     Words(shift, told.interval->high), Percent(shift.threshold), shift.p_holm);
}

// Most degrees of freedom that a metric borrows from the others of its arm.
constexpr double kMostBorrowed = 4;
// A control's flag takes the verdict away, so it has to be the surer: by this factor of alpha.
constexpr double kControlShare = 0.2;

std::string Lost(int failed, const std::string& arm) {
  return fmt::format("no value any more: {} of {}'s samples failed", failed, arm);
}

// Every arm and metric that both sides know, or that one lacks.
class Comparer {
 public:
  Comparer(const std::vector<TrackedRun>& baseline, const TrackedRun& candidate,
           const GateOptions& options)
      : baseline_(baseline), candidate_(candidate), options_(options) {}

  std::vector<MetricShift> Shifts() {
    std::vector<MetricShift> shifts;
    const std::vector<Metric> metrics = MetricsOf(candidate_.experiment);
    for (const Arm& arm : candidate_.experiment.arms) {
      for (const Metric& metric : metrics) {
        if (Wanted(arm, metric)) shifts.push_back(Compare(arm, metric));
      }
    }
    AddVanished(metrics, shifts);
    Flag(shifts, false);
    Flag(shifts, true);
    return shifts;
  }

 private:
  bool Wanted(const Arm& arm, const Metric& metric) const {
    if (metric.family == "setup") return false;
    if (!MatchesAny(options_.metrics, metric.id) || !MatchesAny(options_.arms, arm.id))
      return false;
    // Over itself the reference is always 1.
    return !(arm.reference && IsRelative(options_.scale, candidate_.experiment, "?"));
  }

  MetricShift Compare(const Arm& arm, const Metric& metric) const {
    MetricShift shift;
    shift.metric = metric;
    shift.arm = arm.id;
    shift.control = arm.control;
    shift.relative = IsRelative(options_.scale, candidate_.experiment, arm.id);
    shift.p_holm = std::nan("");
    bool known = false;
    for (const TrackedRun& run : baseline_)
      known = known ||
              (FindArm(run.experiment, arm.id) && FindMetric(MetricsOf(run.experiment), metric.id));
    const auto before = Before(arm.id, metric, shift.relative);
    const std::vector<double> after = LogsByBlock(candidate_, arm.id, metric, shift.relative);
    shift.shift = stats::CompareShift(before, after, Borrow(arm.id, metric.id, shift.relative));
    if (!shift.shift) Excuse(shift, known, before, after);
    return shift;
  }

  std::vector<std::vector<double>> Before(const std::string& arm, const Metric& metric,
                                          bool relative) const {
    std::vector<std::vector<double>> before;
    for (const TrackedRun& run : baseline_) {
      std::vector<double> logs = LogsByBlock(run, arm, metric, relative);
      if (!logs.empty()) before.push_back(std::move(logs));
    }
    return before;
  }

  // From the other metrics of the arm, by how much the baseline's runs differ.
  stats::Borrowed Borrow(const std::string& arm, const std::string& metric, bool relative) const {
    if (baseline_.size() < 2) return {};
    double sum = 0;
    int others = 0;
    for (const Metric& other : MetricsOf(candidate_.experiment)) {
      if (other.id == metric || other.family == "setup") continue;
      const auto ratio = stats::BetweenRuns(Before(arm, other, relative));
      if (!ratio) continue;
      sum += *ratio;
      ++others;
    }
    if (others == 0) return {};
    const auto runs = static_cast<double>(baseline_.size());
    return {sum / others, std::min(kMostBorrowed, others * (runs - 1))};
  }

  // Why there is nothing to test.
  void Excuse(MetricShift& shift, bool known, const std::vector<std::vector<double>>& before,
              const std::vector<double>& after) const {
    const int failed = FailedSamples(candidate_, shift.arm);
    if (!known) {
      shift.reason = "the baseline does not have it; adopt a run that does";
    } else if (before.empty()) {
      shift.reason = "the baseline has no value";
    } else if (after.empty() && failed > 0) {
      shift.finding = Finding::kLost;
      shift.reason = Lost(failed, shift.arm);
    } else if (after.empty()) {
      shift.reason = "the run has no value; is it finished?";
    } else {
      shift.reason = fmt::format("{} and {} blocks; both sides need at least two with a value",
                                 before.front().size(), after.size());
    }
  }

  // What the baseline measured and the candidate does not even plan.
  void AddVanished(const std::vector<Metric>& metrics, std::vector<MetricShift>& shifts) const {
    for (const TrackedRun& run : baseline_) {
      for (const Arm& arm : run.experiment.arms) {
        for (const Metric& metric : MetricsOf(run.experiment)) {
          const bool there =
              FindArm(candidate_.experiment, arm.id) && FindMetric(metrics, metric.id);
          const bool told = std::any_of(shifts.begin(), shifts.end(), [&](const MetricShift& s) {
            return s.arm == arm.id && s.metric.id == metric.id;
          });
          if (there || told || !Wanted(arm, metric)) continue;
          MetricShift shift;
          shift.metric = metric;
          shift.arm = arm.id;
          shift.control = arm.control;
          shift.p_holm = std::nan("");
          shift.reason = "the baseline has it, the run does not measure it";
          // What failed in every block of an import is not even among its metrics.
          if (const int failed = FailedSamples(candidate_, arm.id); failed > 0) {
            shift.finding = Finding::kLost;
            shift.reason = Lost(failed, arm.id);
          }
          shifts.push_back(std::move(shift));
        }
      }
    }
  }

  // Holm and the findings within one family: the flags, or the controls by themselves.
  void Flag(std::vector<MetricShift>& shifts, bool controls) const {
    std::vector<double> worse, better;
    for (const MetricShift& shift : shifts) {
      const bool tested = shift.shift && shift.control == controls;
      worse.push_back(tested ? shift.shift->p_worse : std::nan(""));
      better.push_back(tested ? shift.shift->p_better : std::nan(""));
    }
    const auto tests = static_cast<double>(
        std::count_if(worse.begin(), worse.end(), [](double p) { return !std::isnan(p); }));
    if (tests == 0) return;
    const std::vector<double> worse_holm = stats::Holm(worse), better_holm = stats::Holm(better);
    const double least = std::log1p(options_.least_change);
    const double alpha = options_.alpha * (controls ? kControlShare : 1);
    for (size_t i = 0; i < shifts.size(); ++i) {
      MetricShift& shift = shifts[i];
      if (std::isnan(worse[i])) continue;
      shift.p_holm = worse_holm[i];
      // Whatever lies above this is below alpha already by Bonferroni, hence by Holm.
      const double noise = shift.shift->Detectable(alpha / tests);
      shift.threshold = std::max(least, noise);
      Find(shift, better_holm[i], noise, alpha);
    }
  }

  // `noise` is the least change that the noise lets through for certain.
  void Find(MetricShift& shift, double better_holm, double noise, double alpha) const {
    const stats::Shift& told = *shift.shift;
    const double least = std::log1p(options_.least_change);
    // The median difference must say so too: one wild block is no regression.
    if (shift.p_holm <= alpha && std::min(told.mean, told.hodges_lehmann) >= least) {
      shift.finding = Finding::kRegressed;
    } else if (better_holm <= alpha && std::max(told.mean, told.hodges_lehmann) <= -least) {
      shift.finding = Finding::kImproved;
      shift.p_holm = better_holm;
    } else if (noise > std::log1p(options_.blind_above)) {
      shift.finding = Finding::kBlind;
      shift.reason = fmt::format(
          "only a change of {} or more would be seen ({} and {} blocks); more blocks, "
          "or a quieter machine",
          Percent(shift.threshold), told.n_baseline, told.n_candidate);
      return;
    } else {
      shift.finding = Finding::kUnchanged;
    }
    shift.reason = Describe(shift);
  }

  const std::vector<TrackedRun>& baseline_;
  const TrackedRun& candidate_;
  const GateOptions& options_;
};

// Where values are relative a change of the reference itself is nobody's flag, but worth knowing.
std::string ReferenceMoved(const std::vector<TrackedRun>& baseline, const TrackedRun& candidate,
                           const GateOptions& options) {
  const std::string reference = ReferenceArm(candidate.experiment);
  if (!IsRelative(options.scale, candidate.experiment, "?")) return "";
  MetricShift most;
  double change = 0;
  for (const Metric& metric : MetricsOf(candidate.experiment)) {
    if (metric.family == "setup" || !MatchesAny(options.metrics, metric.id)) continue;
    std::vector<std::vector<double>> before;
    for (const TrackedRun& run : baseline)
      before.push_back(LogsByBlock(run, reference, metric, false));
    const auto shift =
        stats::CompareShift(before, LogsByBlock(candidate, reference, metric, false));
    if (!shift || std::abs(shift->mean) <= std::abs(change)) continue;
    change = shift->mean;
    most.metric = metric;
  }
  if (std::abs(change) < std::log1p(options.least_change)) return "";
  return fmt::format("the reference {} itself moved, most in {}: {}; values are relative to it",
                     reference, most.metric.id, Words(most, change));
}

std::string Named(const MetricShift& shift) { return shift.metric.id + " of " + shift.arm; }

void Decide(GateResult& result) {
  std::vector<std::string> regressed, blind, missing, controls;
  int tested = 0;
  for (const MetricShift& shift : result.shifts) {
    tested += shift.finding != Finding::kMissing && !shift.control;
    if (shift.control) {
      if (shift.finding == Finding::kRegressed || shift.finding == Finding::kImproved)
        controls.push_back(Named(shift));
    } else if (shift.finding == Finding::kRegressed || shift.finding == Finding::kLost) {
      regressed.push_back(Named(shift));
    } else if (shift.finding == Finding::kBlind) {
      blind.push_back(Named(shift));
    } else if (shift.finding == Finding::kMissing) {
      missing.push_back(Named(shift));
    }
  }
  if (!controls.empty()) {
    result.reasons.push_back(
        "the reference against itself changed, so the machine is not to be "
        "trusted with this: " +
        Join(controls, ", "));
  }
  if (!regressed.empty()) result.reasons.push_back("regressed: " + Join(regressed, ", "));
  if (!missing.empty()) result.reasons.push_back("not to be compared: " + Join(missing, ", "));
  if (!blind.empty()) result.reasons.push_back("too noisy: " + Join(blind, ", "));
  if (tested == 0 && regressed.empty())
    result.reasons.push_back("there is nothing that both have measured");
  if (!controls.empty() || (result.reasons.empty() && tested == 0)) {
    result.verdict = GateVerdict::kCannotTell;
  } else if (!regressed.empty()) {
    result.verdict = GateVerdict::kRegressed;
  } else if (!result.reasons.empty()) {
    result.verdict = GateVerdict::kCannotTell;
  } else {
    result.verdict = GateVerdict::kPassed;
    result.reasons.push_back(fmt::format("none of {} comparisons is worse", tested));
  }
}

// What is still missing could be what is worse.
void MindUnfinished(const TrackedRun& run, GateResult& result) {
  if (run.pending == 0) return;
  const std::string text = fmt::format("{} is unfinished: {} steps to go", run.id, run.pending);
  if (result.verdict == GateVerdict::kRegressed) {
    result.notes.push_back(text);
    return;
  }
  if (result.verdict == GateVerdict::kPassed) result.reasons.clear();
  result.verdict = GateVerdict::kCannotTell;
  result.reasons.push_back(text + "; `blendbench run --resume` completes it");
}

}  // namespace

const char* FindingName(Finding finding) {
  switch (finding) {
    case Finding::kUnchanged:
      return "unchanged";
    case Finding::kRegressed:
      return "regressed";
    case Finding::kImproved:
      return "improved";
    case Finding::kBlind:
      return "too noisy";
    case Finding::kLost:
      return "lost";
    case Finding::kMissing:
      break;
  }
  return "missing";
}

const char* GateVerdictName(GateVerdict verdict) {
  if (verdict == GateVerdict::kPassed) return "passed";
  return verdict == GateVerdict::kRegressed ? "regressed" : "cannot tell";
}

GateResult CompareRuns(const std::vector<TrackedRun>& baseline, const TrackedRun& candidate,
                       const GateOptions& options) {
  GateResult result;
  const Comparability told = Comparable(baseline, candidate);
  result.notes = told.notes;
  result.shifts = Comparer(baseline, candidate, options).Shifts();
  if (const std::string moved = ReferenceMoved(baseline, candidate, options); !moved.empty())
    result.notes.push_back(moved);
  for (const Arm& arm : candidate.experiment.arms)
    if (const int failed = FailedSamples(candidate, arm.id); failed > 0)
      result.notes.push_back(fmt::format("{} of {}'s samples failed", failed, arm.id));
  if (!told.obstacles.empty() && !options.across_machines) {
    // The figures stand, but nobody may conclude from them.
    result.verdict = GateVerdict::kCannotTell;
    result.reasons = told.obstacles;
  } else {
    result.notes.insert(result.notes.end(), told.obstacles.begin(), told.obstacles.end());
    Decide(result);
  }
  for (const TrackedRun& run : baseline) MindUnfinished(run, result);
  MindUnfinished(candidate, result);
  return result;
}

}  // namespace blendbench
