// SPDX-License-Identifier: MIT
// The verdict of each claim. Claims are decided on kvm only; elsewhere the verdict is
// kNotDecidedHere and what the data would say stands beside it as indicative. Pure: everything
// comes in, nothing is read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/gate/claims.h"
#include "harness/gate/compare.h"
#include "harness/gate/machines.h"
#include "harness/gate/promises.h"

namespace blendbench {

enum class Verdict {
  kHeld,
  kNotHeld,
  kNonInferior,
  kEquivalent,
  kRefuted,
  kInconclusive,
  kNotDecidedHere
};

const char* VerdictName(Verdict verdict);  // "HELD", "NON-INFERIOR", ..., "NOT DECIDED HERE"

struct ClaimPart {
  std::string metric;  // a metric's id, or
  std::string check;   // a check's name; the other one is ""
  std::string arm;
  std::string reference;
  Verdict indicative = Verdict::kInconclusive;
  Verdict equivalence = Verdict::kInconclusive;  // the stronger statement, beside it
  std::vector<std::string> reasons;
  std::vector<stats::MarginPoint> curve;  // of a metric: what it would be at other margins
  std::optional<double> smallest_margin;  // at which a metric would hold
};

struct ClaimVerdict {
  Claim claim;
  Verdict verdict = Verdict::kNotDecidedHere;
  Verdict indicative = Verdict::kInconclusive;  // what the data say, wherever they were taken
  Verdict equivalence =
      Verdict::kInconclusive;        // non-inferiority claims: whether equivalence holds as well
  std::string stamp;                 // "" on kvm
  std::vector<std::string> reasons;  // at least one
  std::vector<ClaimPart> parts;
  std::vector<AcrossMachines> across;  // of a run on several machines: each metric, by machine
};

// What is known of a run when it is judged.
struct Evidence {
  const Experiment& experiment;
  const std::vector<Sample>& samples;
  const std::vector<CheckTally>& promises;
  std::string substrate;
};

// "" on kvm, otherwise what every number taken there must carry.
std::string StampFor(const std::string& substrate);

Verdict FromFinding(stats::Finding finding, Verdict when_it_holds);

// The rules:
// - non-inferiority: NON-INFERIOR when every metric is (intersection-union, so no correction).
// REFUTED when at least one
//   is refuted and still is after Holm's correction over the claim's metrics, since any of them
//   would do. A pattern without a metric, or a failed guest of the arm, leaves a claim that would
//   hold INCONCLUSIVE: a guest that does not boot has no time to compare.
// - promises: HELD when every check was made and always held; NOT HELD when one was broken; a
// failed guest of the arm
//   leaves it INCONCLUSIVE.
ClaimVerdict JudgeClaim(const Claim& claim, const Evidence& evidence);

}  // namespace blendbench
