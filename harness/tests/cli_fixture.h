// SPDX-License-Identifier: MIT
// The real main with its output in strings, and made-up runs for it to look at. Test code only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/spec/metrics.h"
#include "harness/store/run_folder.h"
#include "harness/tests/blendbench_for_test.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {

// An error is one line that begins with the program's name.
inline void ExpectOneLine(const std::string& err) {
  EXPECT_EQ(err.rfind("blendbench: ", 0), 0u) << err;
  EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
}

class CliTest : public testing::Test {
 protected:
  CliTest() { setenv("BLENDBENCH_HOME", BLEND_SOURCE_DIR, 1); }
  ~CliTest() override { unsetenv("BLENDBENCH_HOME"); }

  std::string Runs() const { return (folder_.path() / "runs").string(); }
  std::string Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }
  // The answer to --json of a call that ends with `status`.
  nlohmann::json JsonOf(std::vector<std::string> arguments, int status = 0) {
    arguments.push_back("--json");
    const Called result = CallBlendbench(arguments);
    EXPECT_EQ(result.status, status) << Join(arguments, " ") << ": " << result.err;
    nlohmann::json answer = nlohmann::json::parse(result.out, nullptr, false);
    EXPECT_FALSE(answer.is_discarded()) << Join(arguments, " ") << ": " << result.out;
    return answer;
  }
  std::string Profile(const std::string& name) {
    return *ReadFile(std::filesystem::path(BLEND_SOURCE_DIR) / "harness" / "specs" /
                     (name + ".toml"));
  }

  // A run of the smoke profile, with a sample for the first `done` of its five steps, the first of them failed if so.
  void MakeRun(const std::string& id, int done, bool failed) {
    const std::string spec = Profile("smoke");
    const std::string claims =
        *ReadFile(std::filesystem::path(BLEND_SOURCE_DIR) / "paper" / "claims.toml");
    const Plan plan = MakePlan(*ParseExperiment(spec, "smoke.toml"), Sha256Hex(claims));
    auto run = RunFolder::Create(Runs(), id, plan, spec, claims);
    ASSERT_TRUE(run) << run.error().message;
    Environment environment;
    environment.substrate = "tcg";
    environment.created = "2026-11-23T10:00:00Z";
    if (done == 5) environment.finished = "2026-11-23T10:05:00Z";
    ASSERT_TRUE(run->WriteEnvironment(environment));
    for (int i = 0; i < done; ++i) {
      const Step& step = plan.steps[static_cast<size_t>(i)];
      ASSERT_TRUE(run->Append(failed && i == 0 ? FailedSample(step.block, step.order, step.arm)
                                               : OkSample(step.block, step.order, step.arm,
                                                          {{"boot.total_s", 12.0 + i}})));
    }
  }
  // A finished run of the smoke profile with that many blocks; every arm wobbles a little, fine-blendfs is worse by
  // `slow_down` (1.2 is 20 %). The first `done` steps have samples; all when negative.
  void MakeJudgedRun(const std::string& id, int blocks, double slow_down, int done = -1) {
    const std::string spec = Profile("smoke");
    const std::string claims =
        *ReadFile(std::filesystem::path(BLEND_SOURCE_DIR) / "paper" / "claims.toml");
    Experiment experiment = *ParseExperiment(spec, "smoke.toml");
    experiment.blocks = blocks;
    const Plan plan = MakePlan(experiment, Sha256Hex(claims));
    auto run = RunFolder::Create(Runs(), id, plan, spec, claims);
    ASSERT_TRUE(run) << run.error().message;
    Environment environment;
    environment.substrate = "kvm";
    environment.created = "2026-11-23T10:00:00Z";
    environment.finished = "2026-11-23T11:00:00Z";
    environment.images = environment.images_after = {{"system", Sha256Hex("system")}};
    ASSERT_TRUE(run->WriteEnvironment(environment));
    int number = 0;
    for (const Step& step : plan.steps) {
      if (done >= 0 && number >= done) break;
      const double wobble = 1 + 0.004 * ((step.block * 3 + number++ * 5) % 7 - 3);
      const double worse = wobble * (step.arm == "fine-blendfs" ? slow_down : 1.0);
      std::map<std::string, double> metrics;
      for (const Metric& metric : MetricsOf(experiment))
        metrics[metric.id] = metric.lower_is_better ? 10 * worse : 300 / worse;
      Sample sample = OkSample(step.block, step.order, step.arm, metrics);
      sample.provenance = {{"plan_sha256", run->plan_sha256()},
                           {"spec_sha256", experiment.spec_sha256},
                           {"substrate", "kvm"},
                           {"images", environment.images}};
      ASSERT_TRUE(run->Append(sample));
    }
  }
  // Small files with a manifest that describes them.
  std::string FakeImages() {
    const std::filesystem::path dir = folder_.path() / "images";
    std::filesystem::create_directories(dir);
    nlohmann::json files = nlohmann::json::object();
    for (const char* name :
         {"system", "system_next", "app", "user", "monolithic", "kernel", "initramfs"}) {
      std::ofstream(dir / name) << name;
      files[name] = {
          {"path", name}, {"sha256", Sha256Hex(name)}, {"bytes", std::string(name).size()}};
    }
    std::ofstream(dir / "manifest.json") << nlohmann::json{{"schema", 1},
                                                           {"files", files},
                                                           {"kernel_version", "6"},
                                                           {"packages", nlohmann::json::object()},
                                                           {"inputs_sha256", ""}};
    return dir.string();
  }

  TemporaryFolder folder_;
};

}  // namespace blendbench
