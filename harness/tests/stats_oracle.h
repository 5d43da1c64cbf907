// SPDX-License-Identifier: MIT
// Compares harness/stats with answers SciPy gave (scipy_reference.py). Test code only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/stats/bootstrap.h"
#include "harness/stats/distributions.h"
#include "harness/stats/rates.h"
#include "harness/stats/sample_size.h"
#include "harness/stats/verdict.h"

namespace blendbench::stats {

using nlohmann::json;

constexpr double kRelative = 1e-8;

inline void ExpectClose(double ours, double theirs, const std::string& what) {
  EXPECT_NEAR(ours, theirs, 1e-10 + kRelative * std::abs(theirs)) << what;
}

inline void ExpectInterval(const std::optional<Interval>& ours, const json& theirs,
                           const std::string& what) {
  ASSERT_EQ(ours.has_value(), !theirs.is_null()) << what;
  if (!ours) return;
  // An end near zero is the difference of two numbers of the interval's size, and as exact as those are.
  const double low = theirs[0], high = theirs[1];
  const double size = std::max(std::abs(low), std::abs(high));
  EXPECT_NEAR(ours->low, low, 1e-10 + kRelative * size) << what << " low";
  EXPECT_NEAR(ours->high, high, 1e-10 + kRelative * size) << what << " high";
}

inline void CheckPaired(const json& question) {
  const json& answer = question.at("answer");
  const Judged judged = Judge(question.at("values").get<std::vector<double>>(), question["margin"]);
  ExpectClose(judged.mean, answer["mean"], "mean");
  ExpectClose(judged.sd, answer["sd"], "sd");
  ExpectClose(judged.hodges_lehmann, answer["hodges_lehmann"], "Hodges-Lehmann");
  ExpectInterval(judged.student, answer["student"], "t interval");
  ExpectInterval(judged.signed_rank, answer["signed_rank"], "signed-rank interval");
  ExpectClose(judged.p_beyond_margin, answer["p_beyond_margin"], "p beyond margin");
  ExpectClose(judged.p_different, answer["p_different"], "p different");
  ExpectClose(judged.p_non_inferior, answer["p_non_inferior"], "p non-inferior");
  ExpectClose(judged.p_equivalent, answer["p_equivalent"], "TOST");
}

inline void CheckHolm(const json& question) {
  const std::vector<double> ours = Holm(question["values"].get<std::vector<double>>());
  ASSERT_EQ(ours.size(), question["answer"].size());
  for (size_t i = 0; i < ours.size(); ++i) ExpectClose(ours[i], question["answer"][i], "Holm");
}

// SciPy draws other resamples, so the ends agree but for the noise of 200,000 of them: a few tenths of a percent
// of the interval's width. A wrong bias or acceleration moves them by several percent.
inline void CheckBca(const json& question) {
  const auto ours = BcaInterval(
      question["values"].get<std::vector<double>>(),
      [](const std::vector<double>& values) { return StandardDeviation(values); }, 20140801, kLevel,
      200'000);
  const json& answer = question["answer"];
  ASSERT_TRUE(ours);
  const double width = answer[1].get<double>() - answer[0].get<double>();
  EXPECT_NEAR(ours->low, answer[0], 0.015 * width);
  EXPECT_NEAR(ours->high, answer[1], 0.015 * width);
}

inline void CheckCase(const json& question) {
  const std::string kind = question.at("kind");
  const json& answer = question.at("answer");
  if (kind == "paired") {
    CheckPaired(question);
  } else if (kind == "holm") {
    CheckHolm(question);
  } else if (kind == "signed_rank_cdf") {
    ExpectClose(SignedRankCdf(question["n"]).at(question["w"].get<size_t>()), answer, kind);
  } else if (kind == "student_quantile") {
    ExpectClose(StudentQuantile(question["probability"], question["degrees"]), answer, kind);
  } else if (kind == "noncentral_cdf") {
    ExpectClose(NoncentralStudentCdf(question["t"], question["degrees"], question["noncentrality"]),
                answer, kind);
  } else if (kind == "clopper_pearson") {
    const Rate rate = ClopperPearson(question["hits"], question["of"]);
    ExpectClose(rate.low, answer[0], kind);
    ExpectClose(rate.high, answer[1], kind);
  } else if (kind == "power") {
    ExpectClose(NonInferiorityPower(question["sd"], question["margin"], question["blocks"]), answer,
                kind);
  } else if (kind == "equivalence_power") {
    // The t quantile is good to nine digits, and a small power takes its last ones tenfold.
    EXPECT_NEAR(EquivalencePower(question["sd"], question["margin"], question["blocks"]),
                answer.get<double>(), 1e-9 + 1e-6 * answer.get<double>());
  } else if (kind == "sd_limit") {
    ExpectClose(StandardDeviationLimit(question["sd"], question["n"]), answer, kind);
  } else if (kind == "bca_sd") {
    CheckBca(question);
  } else {
    FAIL() << "a question of unknown kind: " << kind;
  }
}

inline void CheckAll(const json& questions) {
  for (const json& question : questions) {
    SCOPED_TRACE(question.dump());
    CheckCase(question);
  }
}

}  // namespace blendbench::stats
