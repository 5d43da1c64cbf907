// SPDX-License-Identifier: MIT
#include "harness/export/record.h"

#include <algorithm>
#include <map>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/export/calibration_report.h"
#include "harness/store/calibration_file.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

ImagesUnchanged CompareImages(const Environment& environment) {
  ImagesUnchanged unchanged;
  for (const auto& [image, digest] : environment.images) {
    const auto after = environment.images_after.find(image);
    if (after != environment.images_after.end()) unchanged[image] = after->second == digest;
  }
  return unchanged;
}

bool ExcludesOne(const stats::Interval& interval) { return interval.low > 0 || interval.high < 0; }

Controls CountControls(const std::vector<Comparison>& comparisons) {
  int judged = 0, alarms = 0, off_one = 0;
  for (const Comparison& comparison : comparisons) {
    const stats::Judged& result = comparison.judged;
    if (!comparison.control || !result.student || !result.signed_rank) continue;
    ++judged;
    if (result.equivalence.finding == stats::Finding::kRefuted) ++alarms;
    if (ExcludesOne(*result.student)) ++off_one;
  }
  return {stats::ClopperPearson(alarms, judged), stats::ClopperPearson(off_one, judged)};
}

// Each experiment has its part of the claims' arms; about the other claims it says nothing. The paper's own are
// answered in any case, and be it that the run has no such arm.
bool Concerns(const Claim& claim, const Experiment& experiment) {
  if (claim.role == "paper" && !OnHost(experiment)) return true;
  const bool compares = claim.rule == Rule::kNonInferiority;
  return FindArm(experiment, claim.arm) != nullptr &&
         (!compares || FindArm(experiment, claim.reference) != nullptr);
}

}  // namespace

RunRecord RecordOf(const RunFolder& run) {
  RunRecord record{run.id(),          run.plan(),        run.plan_sha256(),
                   run.claims_text(), run.environment(), run.samples()};
  record.calibration =
      ShowableCalibration(ReadCalibration(run.dir().parent_path(), run.environment()));
  if (const Result<std::string> text = ReadFile(run.dir() / "diagnosis.json")) {
    auto diagnosis = ParseJson(*text);
    if (diagnosis && diagnosis->is_object()) record.diagnosis = std::move(*diagnosis);
  }
  return record;
}

Result<Analysis> Analyse(const RunRecord& record) {
  const Experiment& experiment = record.plan.experiment;
  Analysis analysis;
  if (!record.claims_text.empty()) {  // an experiment on the host may have none
    auto claims = ParseClaims(record.claims_text, record.id + "/claims.toml");
    if (!claims) return Fail(ExitCode::kUsage, claims.error());
    analysis.claims = std::move(*claims);
  }
  analysis.comparisons = CompareArms(experiment, record.samples, analysis.claims);
  analysis.promises = TallyPromises(experiment, record.samples, CompareImages(record.environment));
  const Evidence evidence{experiment, record.samples, analysis.promises,
                          record.environment.substrate};
  for (const Claim& claim : analysis.claims)
    if (Concerns(claim, experiment)) analysis.verdicts.push_back(JudgeClaim(claim, evidence));
  analysis.controls = CountControls(analysis.comparisons);
  analysis.failures = CountFailures(record.samples);
  analysis.discarded = NoisyBlocks(experiment.noise, record.samples);
  return analysis;
}

int BlocksDone(const RunRecord& record) {
  std::map<int, size_t> arms_seen;
  for (const Sample& sample : record.samples) ++arms_seen[sample.block];
  return static_cast<int>(std::count_if(arms_seen.begin(), arms_seen.end(), [&](const auto& block) {
    return block.second == record.plan.experiment.arms.size();
  }));
}

}  // namespace blendbench
