// SPDX-License-Identifier: MIT
// The gate and the history over many seeded experiments: how often they cry wolf when nothing changed, and how often
// they find what was injected. Bounds allow four standard errors of the simulation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <random>

#include "harness/gate/history.h"
#include "harness/gate/regression.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kMetrics = 8;  // of every arm

double FourStandardErrors(double rate, int of) { return 4 * std::sqrt(rate * (1 - rate) / of); }

// Runs of ext4 (reference), ext4-aa (control) and blendfs, each with kMetrics metrics.
class Machine {
 public:
  explicit Machine(unsigned seed) : random_(seed) {}
  double block_sd = 0.03;    // of one value within a run
  double run_sd = 0;         // of what all blocks of a run of blendfs share
  double machine_sd = 0.05;  // of what all arms of a block share: it cancels
  int blocks = 6;

  // blendfs is slower by `slow_down` in the first `slowed` metrics.
  TrackedRun Run(const std::string& id, double slow_down = 1, int slowed = kMetrics) {
    TrackedRun run;
    run.id = run.created = id;
    run.substrate = "external";
    run.experiment.substrate = "external";
    run.experiment.name = "made-up";
    run.experiment.blocks = blocks;
    for (const char* arm : {"ext4", "ext4-aa", "blendfs"}) {
      Arm made;
      made.id = made.label = arm;
      made.reference = made.id == "ext4";
      made.control = made.id == "ext4-aa";
      run.experiment.arms.push_back(made);
    }
    std::normal_distribution<double> normal;
    std::vector<double> shared(kMetrics);
    for (int i = 0; i < kMetrics; ++i) {
      const std::string name = "m" + std::to_string(i) + (i % 2 ? "_s" : "_mbps");
      run.experiment.external.push_back({name, name, "external", i % 2 ? "s" : "MB/s", i % 2 != 0});
      shared[i] = run_sd * normal(random_);
    }
    for (int block = 0; block < blocks; ++block) {
      const double drift = machine_sd * normal(random_);
      for (size_t arm = 0; arm < 3; ++arm) {
        std::map<std::string, double> values;
        for (int i = 0; i < kMetrics; ++i) {
          double log = drift + block_sd / std::sqrt(2) * normal(random_);
          if (arm == 2) log += shared[i] + (i < slowed ? std::log(slow_down) : 0);
          values[run.experiment.external[i].id] = 10 * std::exp(i % 2 ? log : -log);
        }
        run.samples.push_back(
            OkSample(block, static_cast<int>(arm), run.experiment.arms[arm].id, std::move(values)));
      }
    }
    return run;
  }
  std::vector<TrackedRun> Runs(int count) {
    std::vector<TrackedRun> runs;
    for (int i = 0; i < count; ++i) runs.push_back(Run("base-" + std::to_string(i)));
    return runs;
  }

 private:
  std::mt19937_64 random_;
};

struct Rates {
  double regressed = 0, cannot_tell = 0;
};

Rates Simulate(int seeds, int baseline_runs, const std::function<void(Machine&)>& prepare,
               double slow_down, int slowed) {
  Rates rates;
  for (int seed = 0; seed < seeds; ++seed) {
    Machine machine(1000 + seed);
    prepare(machine);
    const auto baseline = machine.Runs(baseline_runs);
    const GateVerdict verdict =
        CompareRuns(baseline, machine.Run("new", slow_down, slowed), GateOptions()).verdict;
    rates.regressed += (verdict == GateVerdict::kRegressed) / double(seeds);
    rates.cannot_tell += (verdict == GateVerdict::kCannotTell) / double(seeds);
  }
  printf("baseline of %d: regressed %.4f, cannot tell %.4f (slowed %g in %d)\n", baseline_runs,
         rates.regressed, rates.cannot_tell, slow_down, slowed);
  return rates;
}

constexpr int kSeeds = 400;

TEST(GateSimulation, SeldomCriesWolfWhenNothingChanged) {
  for (const int runs : {1, 3, 5}) {
    const Rates rates = Simulate(
        kSeeds, runs, [](Machine&) {}, 1, 0);
    EXPECT_LE(rates.regressed, 0.05 + FourStandardErrors(0.05, kSeeds)) << runs;
    EXPECT_LE(rates.cannot_tell, 0.05 + FourStandardErrors(0.05, kSeeds)) << runs;
  }
}

TEST(GateSimulation, LearnsFromSeveralRunsThatRunsDiffer) {
  const auto uneasy = [](Machine& machine) { machine.run_sd = 0.04; };
  for (const int runs : {3, 5, 8}) {
    const Rates rates = Simulate(kSeeds, runs, uneasy, 1, 0);
    EXPECT_LE(rates.regressed, 0.05 + FourStandardErrors(0.05, kSeeds)) << runs;
  }
  // The price of a baseline of one run, which the notes warn of.
  EXPECT_GE(Simulate(kSeeds, 1, uneasy, 1, 0).regressed, 0.05);
}

TEST(GateSimulation, FindsInjectedSlowDowns) {
  const auto none = [](Machine&) {};
  EXPECT_GE(Simulate(kSeeds, 1, none, 1.15, 1).regressed, 0.95);
  EXPECT_GE(Simulate(kSeeds, 3, none, 1.12, 1).regressed, 0.95);
  EXPECT_GE(Simulate(kSeeds, 3, none, 1.10, kMetrics).regressed, 0.95);
  const auto uneasy = [](Machine& machine) { machine.run_sd = 0.02; };
  EXPECT_GE(Simulate(kSeeds, 8, uneasy, 1.25, 1).regressed, 0.95);
}

TEST(HistorySimulation, AaHistoryHasNoChangesAndSteps) {
  int alarms = 0, found = 0, exact = 0, spiked = 0;
  const int seeds = 60, runs = 24, change = 16;
  for (int seed = 0; seed < seeds; ++seed) {
    Machine machine(seed);
    machine.run_sd = 0.01;
    std::vector<TrackedRun> same, slower, spikes;
    for (int i = 0; i < runs; ++i) {
      const std::string id = "r" + std::to_string(100 + i);
      same.push_back(machine.Run(id));
      slower.push_back(machine.Run(id, i >= change ? 1.08 : 1, 1));
      spikes.push_back(machine.Run(id, i == 5 || i == 12 ? 1.8 : i >= change ? 1.08 : 1, 1));
    }
    HistoryOptions options;
    options.arms = {"blendfs"};
    for (const Series& series : MakeHistory(same, options)) {
      if (series.changes.empty()) continue;
      ++alarms;
      break;
    }
    const Series stepped = MakeHistory(slower, options).front();
    found += WorseNow(stepped) && stepped.changes.size() == 1;
    exact += !stepped.changes.empty() &&
             std::abs(static_cast<int>(stepped.changes.back().index) - change) <= 1;
    const Series spiky = MakeHistory(spikes, options).front();
    spiked += WorseNow(spiky) && spiky.changes.size() == 1 && spiky.points[5].spike &&
              spiky.points[12].spike;
  }
  printf("history: false alarms %d, steps found %d, within one run %d, with spikes %d, of %d\n",
         alarms, found, exact, spiked, seeds);
  EXPECT_LE(alarms / double(seeds), 0.05 + FourStandardErrors(0.05, seeds));
  EXPECT_GE(found / double(seeds), 0.95);
  EXPECT_GE(exact / double(seeds), 0.9);
  EXPECT_GE(spiked / double(seeds), 0.9);
}

TEST(HistorySimulation, LoneSpikesAreNoChanges) {
  for (int seed = 0; seed < 30; ++seed) {
    Machine machine(seed);
    std::vector<TrackedRun> runs;
    for (int i = 0; i < 20; ++i)
      runs.push_back(machine.Run("r" + std::to_string(100 + i), i % 6 == 4 || i == 19 ? 2 : 1, 1));
    HistoryOptions options;
    options.arms = {"blendfs"};
    options.metrics = {"m0_mbps"};
    const Series series = MakeHistory(runs, options).front();
    EXPECT_THAT(series.changes, IsEmpty()) << seed;
    EXPECT_TRUE(series.points[4].spike && series.points[10].spike && series.points[16].spike);
    EXPECT_TRUE(series.points[19].pending);
  }
}

TEST(Gate, AnUnfinishedRunPassesNothingButMayHaveRegressed) {
  Machine machine(7);
  const std::vector<TrackedRun> baseline = machine.Runs(1);
  TrackedRun same = machine.Run("same"), slow = machine.Run("slow", 1.5);
  ASSERT_EQ(CompareRuns(baseline, same, {}).verdict, GateVerdict::kPassed);
  same.pending = slow.pending = 1;
  const GateResult told = CompareRuns(baseline, same, {});
  EXPECT_EQ(told.verdict, GateVerdict::kCannotTell);
  EXPECT_THAT(told.reasons, testing::ElementsAre(HasSubstr("same is unfinished: 1 steps to go")));
  const GateResult worse = CompareRuns(baseline, slow, {});
  EXPECT_EQ(worse.verdict, GateVerdict::kRegressed);
  EXPECT_THAT(worse.notes, Contains(HasSubstr("slow is unfinished")));
}

}  // namespace
}  // namespace blendbench
