// SPDX-License-Identifier: MIT
// plan: what a run would do and what it could find out, without doing it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/opened_run.h"
#include "harness/cli/prepare_plan.h"
#include "harness/gate/design.h"
#include "harness/run/step_loop.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr double kTableMargin = kDefaultMargin;

// What is known beforehand: the scatter of d, and how long a step takes.
struct Known {
  std::string source;  // in words; "" when nothing is known
  NoiseOf noise = [](const Metric&, const std::string&, const std::string&) {
    return std::nullopt;
  };
  std::map<std::string, double> step_s;  // mean by arm
};

Known Stated(double sd) {
  Known known;
  known.source = fmt::format("stated, a standard deviation of {:.3g} % for every metric", sd * 100);
  known.noise = [sd](const Metric&, const std::string&, const std::string&) {
    return Noise{sd, 0};
  };
  return known;
}

// Only the standard deviations of the run's d and its durations are used.
Known Measured(const OpenedRun& run) {
  Known known;
  known.source = fmt::format("measured in run {}", run.record.id);
  std::map<std::string, std::pair<double, int>> durations;
  for (const Sample& sample : run.record.samples) {
    durations[sample.arm].first += sample.duration_s;
    ++durations[sample.arm].second;
  }
  for (const auto& [arm, sum] : durations) known.step_s[arm] = sum.first / sum.second;
  // As a verdict on that run: without the blocks that its plan's rules on noise leave out.
  const auto noisy = NoisyBlocks(run.record.plan.experiment.noise, run.record.samples);
  known.noise = [samples = WithoutBlocks(run.record.samples, noisy)](
                    const Metric& metric, const std::string& arm,
                    const std::string& reference) -> std::optional<Noise> {
    const Comparison one = CompareOne(metric, arm, reference, kDefaultMargin, samples);
    if (!std::isfinite(one.judged.sd)) return std::nullopt;
    return Noise{one.judged.sd, one.judged.n};
  };
  return known;
}

// The newest run in the folder that measured the same thing; runs of one block tell no scatter.
std::optional<Known> NewestAlike(const PlanOptions& options, const Experiment& experiment) {
  std::vector<std::filesystem::path> runs = ListRuns(options.runs_dir);
  std::reverse(runs.begin(), runs.end());
  for (const std::filesystem::path& dir : runs) {
    auto run = OpenRunToRead({dir.string(), options.runs_dir, false, false});
    if (!run || run->record.plan.experiment.name != experiment.name) continue;
    if (BlocksDone(run->record) >= 2) return Measured(*run);
  }
  return std::nullopt;
}

Result<Known> WhatIsKnown(const PlanOptions& options, const Experiment& experiment) {
  if (options.sd_percent) return Stated(*options.sd_percent / 100);
  if (!options.noise_run.empty()) {
    auto run = OpenRunToRead({options.noise_run, options.runs_dir, false, false});
    if (!run) return tl::unexpected(run.error());
    return Measured(*run);
  }
  return NewestAlike(options, experiment).value_or(Known());
}

double Seconds(const Plan& plan, const Known& known) {
  const double guess = EstimateStepSeconds(plan.experiment, plan.experiment.substrate != "kvm");
  double seconds = 0;
  for (const Step& step : plan.steps) {
    const auto found = known.step_s.find(step.arm);
    seconds += found == known.step_s.end() ? guess : found->second;
  }
  return seconds;
}

std::vector<Warning> WarningsOf(const Plan& plan, const Known& known,
                                const std::vector<DesignPower>& designs) {
  std::vector<Warning> warnings;
  const std::string& name = plan.experiment.name;
  if (known.source.empty()) {
    warnings.push_back({WarningKind::kUnknownNoise, name,
                        "no run of this experiment tells how noisy this machine is",
                        "give --sd PERCENT or --noise RUN, or measure a pilot of a few blocks"});
  }
  for (const DesignPower& design : designs) {
    if (!design.least || *design.least >= 0.8) continue;
    const std::string subject =
        design.claim.empty() ? design.metrics.front().arm : "claim " + design.claim;
    warnings.push_back(
        {WarningKind::kUnderpowered, subject,
         fmt::format("{} blocks may well leave it INCONCLUSIVE", plan.experiment.blocks),
         design.blocks ? fmt::format("--blocks {} gives each metric 90 % power",
                                     std::max(*design.blocks, plan.experiment.blocks))
                       : "find out what makes this machine so noisy"});
  }
  return warnings;
}

json PowerJson(const std::vector<DesignPower>& designs) {
  auto number = [](const auto& value) { return value ? json(*value) : json(); };
  json list = json::array();
  for (const DesignPower& design : designs) {
    json metrics = json::array();
    for (const MetricPower& one : design.metrics) {
      metrics.push_back({{"metric", one.metric.id},
                         {"arm", one.arm},
                         {"reference", one.reference},
                         {"margin", one.margin},
                         {"sd_log", one.noise ? json(one.noise->sd) : json()},
                         {"pilot_blocks", one.noise ? json(one.noise->blocks) : json()},
                         {"power", number(one.power)},
                         {"blocks_for_90_power", number(one.blocks)}});
    }
    list.push_back({{"claim", design.claim.empty() ? json() : json(design.claim)},
                    {"arm", design.metrics.front().arm},
                    {"metrics", metrics},
                    {"power_least", number(design.least)},
                    {"power_most", number(design.most)},
                    {"blocks_for_90_power", number(design.blocks)}});
  }
  return list;
}

std::string Share(const std::optional<double>& share) {
  return share ? fmt::format("{:.0f} %", *share * 100) : "unknown";
}

std::string PowerLines(const Experiment& experiment, const Known& known,
                       const std::vector<DesignPower>& designs) {
  const int blocks = experiment.blocks;
  std::string text = "power to show non-inferiority when there is no difference";
  text += known.source.empty() ? "\n" : fmt::format("; noise {}\n", known.source);
  if (known.source.empty()) {
    const auto largest = LargestNoise(blocks, kTableMargin);
    return text +
           (largest ? fmt::format("  {} blocks give 90 % for a margin of {:.0f} % where the ratio "
                                  "scatters by at most {:.2g} % from block to block\n",
                                  blocks, kTableMargin * 100, *largest * 100)
                    : fmt::format("  {} blocks decide nothing: both intervals need 5\n", blocks));
  }
  for (const DesignPower& design : designs) {
    const auto weakest = std::min_element(design.metrics.begin(), design.metrics.end(),
                                          [](const MetricPower& a, const MetricPower& b) {
                                            return a.power.value_or(2) < b.power.value_or(2);
                                          });
    const auto unknown = std::count_if(design.metrics.begin(), design.metrics.end(),
                                       [](const MetricPower& one) { return !one.power; });
    text += fmt::format("  {}: ",
                        design.claim.empty() ? "arm " + design.metrics.front().arm : design.claim);
    text += design.least ? fmt::format("between {} and {}", Share(design.least), Share(design.most))
                         : fmt::format("{} of {} metrics have no known noise", unknown,
                                       design.metrics.size());
    if (weakest->noise)
      text += fmt::format("; weakest {}: scatter {:.2g} %, power {}, {} blocks for 90 %",
                          weakest->metric.id, weakest->noise->sd * 100, Share(weakest->power),
                          weakest->blocks ? std::to_string(*weakest->blocks) : "over ten thousand");
    text += '\n';
  }
  return text;
}

std::string ProgramsOf(const Experiment& experiment) {
  if (experiment.programs.empty()) return "";
  return fmt::format(" and {} programs", experiment.programs.size());
}

std::string PlanLines(const Plan& plan, double seconds, const Known& known,
                      const std::vector<DesignPower>& designs) {
  const Experiment& experiment = plan.experiment;
  const bool on_host = OnHost(experiment);
  std::string text = fmt::format(
      "{}: {} blocks of {} arms, {} {}, {} {} each, seed {}\n", experiment.name, experiment.blocks,
      experiment.arms.size(), plan.steps.size(), on_host ? "samples" : "guests",
      on_host ? experiment.host.cases.size() : experiment.jobs.size(),
      on_host ? "cases" : "jobs" + ProgramsOf(experiment), experiment.seed);
  std::map<int, std::vector<std::string>> blocks;
  for (const Step& step : plan.steps) blocks[step.block].push_back(step.arm);
  for (const auto& [block, arms] : blocks)
    text += fmt::format("  block {:>3}  {}\n", block, Join(arms, "  "));
  text += PowerLines(experiment, known, designs);
  // The last line is what ./reproduce quotes.
  const std::string time = seconds < 5400
                               ? fmt::format("about {:.0f} minutes", std::ceil(seconds / 60))
                               : fmt::format("about {:.1f} hours", seconds / 3600);
  if (!known.step_s.empty()) return text + time + ", as measured before\n";
  if (on_host) return text + time + "\n";
  return text + time + " of guests" +
         (experiment.substrate == "kvm" ? "\n" : " when emulated, less on KVM\n");
}

}  // namespace

int PlanCommand(const PlanOptions& options, Io& io) {
  auto prepared = PreparePlan(options.spec);
  if (!prepared) return Complain(io, prepared.error());
  const Plan& plan = prepared->plan;
  auto known = WhatIsKnown(options, plan.experiment);
  if (!known) return Complain(io, known.error());
  std::vector<Claim> claims;
  if (!prepared->claims_text.empty()) {
    auto parsed = ParseClaims(prepared->claims_text, "the claims");
    if (!parsed) return Complain(io, {ExitCode::kUsage, parsed.error()});
    claims = std::move(*parsed);
  }
  const std::vector<DesignPower> designs = PowerOfDesign(plan.experiment, claims, known->noise);
  const double seconds = Seconds(plan, *known);
  const std::vector<Warning> warnings = WarningsOf(plan, *known, designs);
  if (!options.spec.json) {
    Print(io, PlanLines(plan, seconds, *known, designs));
    Warn(io, warnings);
    return Status(ExitCode::kOk);
  }
  json answer = Answer("plan", warnings);
  answer.update(ToJson(plan));
  answer["plan_sha256"] = Sha256Hex(ToJson(plan).dump());
  answer["estimate_s"] = seconds;
  answer["noise"] = known->source.empty() ? json() : json(known->source);
  answer["power"] = PowerJson(designs);
  return Give(io, answer);
}

}  // namespace blendbench
