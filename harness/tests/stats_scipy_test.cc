// SPDX-License-Identifier: MIT
// harness/stats against SciPy: fixed answers kept in the repository, and fresh random cases where SciPy is installed.
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "harness/base/files.h"
#include "harness/tests/stats_oracle.h"

namespace blendbench::stats {
namespace {

namespace fs = std::filesystem;

const fs::path kTests = BLEND_HARNESS_TESTS;
constexpr const char* kPython = "/usr/bin/python3";

TEST(StatsScipy, FixedAnswers) {
  const auto text = ReadFile(kTests / "stats_reference.json");
  ASSERT_TRUE(text) << text.error().message;
  const json questions = json::parse(*text);
  ASSERT_GT(questions.size(), 100u);
  CheckAll(questions);
}

json RandomQuestions(unsigned seed) {
  std::mt19937 random(seed);
  json questions = json::array();
  for (int i = 0; i < 12; ++i) {
    const int n = std::uniform_int_distribution<int>(2, 24)(random);
    std::normal_distribution<double> noise(
        std::uniform_real_distribution<double>(-0.1, 0.1)(random), 0.04);
    std::vector<double> values;
    for (int k = 0; k < n; ++k) values.push_back(noise(random));
    questions.push_back({{"kind", "paired"}, {"values", values}, {"margin", 0.05}});
  }
  for (int i = 0; i < 20; ++i) {
    const int n = std::uniform_int_distribution<int>(1, 50)(random);
    const int w = std::uniform_int_distribution<int>(0, n * (n + 1) / 2)(random);
    questions.push_back({{"kind", "signed_rank_cdf"}, {"n", n}, {"w", w}});
    const int of = std::uniform_int_distribution<int>(1, 60)(random);
    const int hits = std::uniform_int_distribution<int>(0, of)(random);
    questions.push_back({{"kind", "clopper_pearson"}, {"hits", hits}, {"of", of}});
    const double sd = std::uniform_real_distribution<double>(0.02, 0.2)(random);
    questions.push_back({{"kind", "power"}, {"sd", sd}, {"margin", 0.05}, {"blocks", 2 + n}});
    questions.push_back(
        {{"kind", "equivalence_power"}, {"sd", sd}, {"margin", 0.05}, {"blocks", 2 + n}});
    questions.push_back({{"kind", "sd_limit"}, {"sd", sd}, {"n", 1 + n}});
  }
  std::gamma_distribution<double> skewed(2, 0.03);
  for (int i = 0; i < 2; ++i) {
    std::vector<double> values;
    for (int k = 0; k < 15; ++k) values.push_back(skewed(random));
    questions.push_back({{"kind", "bca_sd"}, {"values", values}});
  }
  return questions;
}

TEST(StatsScipy, FreshRandomCases) {
  const std::string probe = std::string(kPython) + " -c 'import scipy, numpy' 2>/dev/null";
  if (std::system(probe.c_str()) != 0) GTEST_SKIP() << kPython << " has no scipy";
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const fs::path asked = fs::path(testing::TempDir()) / ("questions-" + std::to_string(seed));
  std::ofstream(asked) << RandomQuestions(seed).dump();
  const std::string command = std::string(kPython) + " '" +
                              (kTests / "scipy_reference.py").string() + "' --answer < '" +
                              asked.string() + "'";
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string answers;
  char buffer[4096];
  for (size_t got = 1; got > 0;) {
    got = fread(buffer, 1, sizeof buffer, pipe);
    answers.append(buffer, got);
  }
  EXPECT_EQ(pclose(pipe), 0);
  fs::remove(asked);
  const json questions = json::parse(answers, nullptr, false);
  ASSERT_EQ(questions.size(), 114u);
  CheckAll(questions);
}

}  // namespace
}  // namespace blendbench::stats
