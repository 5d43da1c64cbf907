// SPDX-License-Identifier: MIT
#include "harness/export/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/export/json_parts.h"

namespace blendbench {
namespace {

using nlohmann::json;

json IntervalJson(const std::optional<stats::Interval>& interval) {
  if (!interval) return json();
  return {{"low", interval->low}, {"high", interval->high}, {"level", interval->level}};
}

const char* Says(stats::Finding finding) {
  if (finding == stats::Finding::kHolds) return "NON-INFERIOR";
  return finding == stats::Finding::kRefuted ? "REFUTED" : "INCONCLUSIVE";
}

json SaysJson(const std::optional<stats::Finding>& finding) {
  return finding ? json(Says(*finding)) : json();
}

std::string Signed(double value) { return fmt::format("{:+.5f}", value); }

std::string Cell(const std::optional<double>& value) {
  return value ? fmt::format("{:.6g}", *value) : "-";
}

std::string Ratios(const stats::Interval& interval) {
  return fmt::format("[{}, {}], as ratios [{:.4f}, {:.4f}]", Signed(interval.low),
                     Signed(interval.high), std::exp(interval.low), std::exp(interval.high));
}

// Where an interval lies, and what that means for the bound.
std::string Reason(const stats::Interval& interval, double bound) {
  if (interval.high < bound)
    return fmt::format("its upper end {} is below the bound {}: NON-INFERIOR",
                       Signed(interval.high), Signed(bound));
  if (interval.low > bound)
    return fmt::format("its lower end {} is above the bound {}: REFUTED", Signed(interval.low),
                       Signed(bound));
  return fmt::format("it includes the bound {}: INCONCLUSIVE", Signed(bound));
}

void AddBlocks(const Explanation& told, std::string& text) {
  const Comparison& comparison = told.comparison;
  text += fmt::format("  1. Values by block, in {}; d = {}, so that + is worse\n",
                      comparison.metric.unit,
                      comparison.metric.lower_is_better ? "ln(arm / reference)"
                                                        : "-ln(arm / reference), higher is better");
  text += fmt::format("     {:>5} {:>14} {:>14} {:>10}\n", "block", "arm", "reference", "d");
  for (const ExplainedBlock& block : told.blocks) {
    text += fmt::format("     {:>5} {:>14} {:>14} {:>10}{}\n", block.block, Cell(block.arm),
                        Cell(block.reference), block.d ? Signed(*block.d) : "-",
                        block.left_out.empty() ? "" : "  left out: " + block.left_out);
  }
}

void AddStudent(const Explanation& told, std::string& text) {
  const int n = told.comparison.judged.n;
  text += fmt::format("  2. n = {}; mean of d = {}: the ratio is exp(mean) = {:.4f}\n", n,
                      Signed(told.mean), std::exp(told.mean));
  if (!told.student) {
    text += "  3. No t interval: it needs two blocks\n";
    return;
  }
  text += fmt::format(
      "  3. Standard deviation of d = {:.5f}; of the mean = {:.5f} / sqrt({}) = {:.5f}\n", told.sd,
      told.sd, n, told.standard_error);
  text += fmt::format("  4. t quantile, 95 %, {:.0f} degrees of freedom = {:.4f}\n", told.degrees,
                      told.t_quantile);
  text += fmt::format("  5. t interval, 90 %: {} -+ {:.4f} x {:.5f} = {}\n", Signed(told.mean),
                      told.t_quantile, told.standard_error, Ratios(*told.student));
}

void AddSignedRank(const Explanation& told, std::string& text) {
  if (!told.signed_rank) {
    text += fmt::format("  6. No signed-rank interval: it needs {} blocks\n",
                        stats::kLeastForSignedRank);
    return;
  }
  text += fmt::format(
      "  6. Signed-rank interval, {:.1f} %: of the {} ordered averages of pairs of d, number {} "
      "from "
      "either end = {}\n",
      told.signed_rank->level * 100, told.walsh_averages, told.cut, Ratios(*told.signed_rank));
}

void AddDecision(const Explanation& told, std::string& text) {
  const stats::Judged& judged = told.comparison.judged;
  text += fmt::format("  7. Margin {:.4g} %: the bound is ln(1 + {:.4g}) = {}\n",
                      told.comparison.margin * 100, told.comparison.margin, Signed(told.bound));
  if (told.student) text += "     t interval: " + Reason(*told.student, told.bound) + "\n";
  if (told.signed_rank)
    text += "     signed-rank interval: " + Reason(*told.signed_rank, told.bound) + "\n";
  text += fmt::format("  8. Decision: {} ({})\n", Says(told.finding),
                      Join(judged.non_inferiority.reasons, "; "));
  if (judged.smallest_margin)
    text += fmt::format("     the smallest margin that would hold is {:.2f} %\n",
                        *judged.smallest_margin * 100);
}

}  // namespace

ClaimExplanation ExplainClaim(const RunRecord& record, const ClaimVerdict& verdict) {
  ClaimExplanation told{verdict, {}};
  const Experiment& experiment = record.plan.experiment;
  const std::vector<Metric> all = MetricsOf(experiment);
  // As the verdict was made: without the blocks that the plan's rules on noise leave out.
  const std::vector<Sample> kept =
      WithoutBlocks(record.samples, NoisyBlocks(experiment.noise, record.samples));
  for (const ClaimPart& part : verdict.parts) {
    const auto metric = std::find_if(all.begin(), all.end(),
                                     [&](const Metric& one) { return one.id == part.metric; });
    if (metric == all.end()) continue;
    told.parts.push_back(
        Explain(CompareOne(*metric, part.arm, part.reference, verdict.claim.margin, kept),
                experiment.blocks, record.samples));
  }
  return told;
}

std::string ExplanationText(const Explanation& told) {
  const Comparison& comparison = told.comparison;
  std::string text = fmt::format("{} ({}): {} against {}\n", comparison.metric.id,
                                 comparison.metric.label, comparison.arm, comparison.reference);
  AddBlocks(told, text);
  if (comparison.judged.n == 0) return text + "  2. No block counts: INCONCLUSIVE\n";
  AddStudent(told, text);
  AddSignedRank(told, text);
  AddDecision(told, text);
  const std::string differs = Disagreement(told);
  if (!differs.empty()) text += "  THIS DOES NOT AGREE with the verdict: " + differs + "\n";
  return text;
}

std::string ExplanationText(const ClaimExplanation& told) {
  const ClaimVerdict& verdict = told.verdict;
  std::string text = fmt::format("{}: {}\n  \"{}\"\n", verdict.claim.id, verdict.claim.title,
                                 OneLine(verdict.claim.statement));
  text += fmt::format("  rule {}, arm {}", RuleName(verdict.claim.rule), verdict.claim.arm);
  if (verdict.claim.rule == Rule::kNonInferiority)
    text += fmt::format(", reference {}, margin {:.4g} %", verdict.claim.reference,
                        verdict.claim.margin * 100);
  text += fmt::format("; claim sha256 {}\n\n", verdict.claim.sha256.substr(0, 16));
  for (const Explanation& part : told.parts) text += ExplanationText(part) + '\n';
  for (const ClaimPart& part : verdict.parts) {
    if (part.check.empty()) continue;
    text += fmt::format("{}: {}: {}\n", part.check, Join(part.reasons, "; "),
                        VerdictName(part.indicative));
  }
  text += verdict.claim.rule == Rule::kNonInferiority
              ? "The claim: every metric must be NON-INFERIOR; one REFUTED after Holm's correction "
                "refutes it; else it is INCONCLUSIVE\n"
              : "The claim: every check must have been made and must always have held\n";
  text += fmt::format("  the data say {}\n", VerdictName(verdict.indicative));
  for (const std::string& reason : verdict.reasons) text += "  - " + reason + '\n';
  text += fmt::format("Verdict: {}{}\n", VerdictName(verdict.verdict),
                      verdict.stamp.empty() ? "" : " (" + verdict.stamp + ")");
  return text;
}

json ToJson(const Explanation& told) {
  const Comparison& comparison = told.comparison;
  auto optional = [](const std::optional<double>& value) { return value ? json(*value) : json(); };
  json blocks = json::array();
  for (const ExplainedBlock& block : told.blocks) {
    blocks.push_back({{"block", block.block},
                      {"arm", optional(block.arm)},
                      {"reference", optional(block.reference)},
                      {"d", optional(block.d)},
                      {"left_out", block.left_out}});
  }
  return {{"metric", comparison.metric.id},
          {"unit", comparison.metric.unit},
          {"better", comparison.metric.lower_is_better ? "lower" : "higher"},
          {"arm", comparison.arm},
          {"reference", comparison.reference},
          {"blocks", blocks},
          {"n", comparison.judged.n},
          {"mean", NumberJson(told.mean)},
          {"sd", NumberJson(told.sd)},
          {"standard_error", NumberJson(told.standard_error)},
          {"degrees_of_freedom", told.degrees},
          {"t_quantile", NumberJson(told.t_quantile)},
          {"t_interval", IntervalJson(told.student)},
          {"walsh_averages", told.walsh_averages},
          {"signed_rank_cut", told.cut},
          {"signed_rank_interval", IntervalJson(told.signed_rank)},
          {"margin", comparison.margin},
          {"bound", told.bound},
          {"t_says", SaysJson(told.student_says)},
          {"signed_rank_says", SaysJson(told.signed_rank_says)},
          {"decision", Says(told.finding)},
          {"reasons", comparison.judged.non_inferiority.reasons},
          {"smallest_margin", optional(comparison.judged.smallest_margin)},
          {"disagreement", Disagreement(told)}};
}

json ToJson(const ClaimExplanation& told) {
  const ClaimVerdict& verdict = told.verdict;
  json parts = json::array(), checks = json::array();
  for (const Explanation& part : told.parts) parts.push_back(ToJson(part));
  for (const ClaimPart& part : verdict.parts)
    if (!part.check.empty())
      checks.push_back({{"check", part.check},
                        {"says", VerdictName(part.indicative)},
                        {"reasons", part.reasons}});
  return {{"claim", verdict.claim.id},
          {"title", verdict.claim.title},
          {"rule", RuleName(verdict.claim.rule)},
          {"sha256", verdict.claim.sha256},
          {"parts", parts},
          {"checks", checks},
          {"indicative", VerdictName(verdict.indicative)},
          {"verdict", VerdictName(verdict.verdict)},
          {"stamp", verdict.stamp},
          {"reasons", verdict.reasons}};
}

}  // namespace blendbench
