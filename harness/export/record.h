// SPDX-License-Identifier: MIT
// All of a finished or unfinished run that an export is made of, and what the statistics make of
// it. Everything here is derived again from raw samples at every call; nothing is stored. Pure;
// thread-safe.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/base/sample.h"
#include "harness/gate/claims.h"
#include "harness/gate/compare.h"
#include "harness/gate/promises.h"
#include "harness/gate/verdict.h"
#include "harness/spec/experiment.h"
#include "harness/stats/rates.h"
#include "harness/store/environment.h"

namespace blendbench {

class RunFolder;

struct RunRecord {
  std::string id;
  Plan plan;
  std::string plan_sha256;
  std::string claims_text;
  Environment environment;
  std::vector<Sample> samples;
  nlohmann::json calibration = {};  // of the run's substrate (store/calibration_file.h), or null
  nlohmann::json diagnosis = {};    // diagnosis.json of the run, or null
};

// Reads the two documents beside the samples; everything after it is pure.
RunRecord RecordOf(const RunFolder& run);

// The reference against itself: how often the whole procedure cries wolf on this machine.
struct Controls {
  stats::Rate false_alarms;       // comparisons found beyond the margin, worse or better
  stats::Rate intervals_off_one;  // 90 % intervals that exclude "equal"; a tenth is expected
};

struct Analysis {
  std::vector<Claim> claims;  // all
  std::vector<Comparison> comparisons;
  std::vector<CheckTally> promises;
  std::vector<ClaimVerdict>
      verdicts;  // of the claims that the run's arms are about, and of the paper's own
  Controls controls;
  Failures failures;
  std::map<int, std::string> discarded;  // blocks too noisy by the plan's rules -> why
};

// kUsage when the run's copy of the claims does not parse.
Result<Analysis> Analyse(const RunRecord& record);

// Blocks of which every arm has a sample, failed or not.
int BlocksDone(const RunRecord& record);

}  // namespace blendbench
