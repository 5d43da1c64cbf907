// SPDX-License-Identifier: MIT
// A run for several machines without any: blocks that tasks might have left, and programs on PATH that record what they
// were asked. Test code only.
#pragma once

#include <cstdlib>

#include "harness/base/json_text.h"
#include "harness/cluster/block_results.h"
#include "harness/cluster/executor.h"
#include "harness/tests/cli_fixture.h"

namespace blendbench {

// Notes what was told.
class RecordingProgress : public SilentProgress {
 public:
  void StepFinished(int, const Sample&) override { ++finished; }
  void Note(const std::string& line) override { notes.push_back(line); }
  void Warn(const Warning& warning) override { warnings.push_back(warning); }

  int finished = 0;
  std::vector<std::string> notes;
  std::vector<Warning> warnings;
};

// `a` is written like a machine's fingerprint.
inline constexpr const char* kMachineA = "aaaaaaaaaaaaaaaa";
inline constexpr const char* kMachineB = "bbbbbbbbbbbbbbbb";

class ClusterTest : public CliTest {
 protected:
  static constexpr int kBlocks = 3;

  void SetUp() override {
    Experiment experiment = SmallExperiment(kBlocks);
    experiment.spec_sha256 = Sha256Hex("spec");
    claims_ = *ReadFile(std::filesystem::path(BLEND_SOURCE_DIR) / "paper" / "claims.toml");
    plan_ = MakePlan(experiment, Sha256Hex(claims_));
    std::filesystem::create_directories(folder_.path() / "bin");
    const char* path = std::getenv("PATH");
    path_ = path == nullptr ? "/usr/bin:/bin" : path;
    setenv("PATH", ((folder_.path() / "bin").string() + ":" + path_).c_str(), 1);
  }
  void TearDown() override { setenv("PATH", path_.c_str(), 1); }

  std::filesystem::path RunDir() const { return std::filesystem::path(Runs()) / "r"; }
  std::filesystem::path Results() const { return ResultsFolder(RunDir()); }
  RunFolder NewRun() {
    auto run = RunFolder::Create(Runs(), "r", plan_, "spec", claims_);
    EXPECT_TRUE(run) << run.error().message;
    return std::move(*run);
  }
  RunFolder OpenRun() {
    auto run = RunFolder::OpenForWriting(RunDir());
    EXPECT_TRUE(run) << run.error().message;
    return std::move(*run);
  }

  // A shell script that is found on PATH.
  std::string Program(const std::string& name, const std::string& script) {
    const std::string path = Write("bin/" + name, "#!/bin/sh\n" + script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  BundleOrder Order() {
    BundleOrder order;
    order.blendbench = Program("blendbench-for-bundle", "exit 0\n");
    order.config.blendload = Program("blendload-for-bundle", "exit 0\n");
    order.config.blendfs = Program("blendfs-for-bundle", "exit 0\n");
    order.config.jobs = std::filesystem::path(BLEND_SOURCE_DIR) / "workloads" / "fio";
    order.config.programs = std::filesystem::path(BLEND_SOURCE_DIR) / "workloads" / "programs";
    order.config.images = FakeImages();
    order.config.images_named = true;
    return order;
  }
  // The run's bundle, and a record that names it, as an executor leaves them.
  Bundle BundleOf(const RunFolder& run, const std::string& executor) {
    const Interrupt interrupt;
    auto bundle = MakeBundle(run, Order(), run.dir(), interrupt);
    EXPECT_TRUE(bundle) << bundle.error().message;
    EXPECT_TRUE(WriteClusterRecord(run.dir(), {executor, bundle->name(), "", {}, {}}));
    return std::move(*bundle);
  }

  // What a task on `machine` says of itself.
  nlohmann::json Provenance(const Bundle& bundle, const std::string& machine) const {
    return {{"plan_sha256", bundle.plan_sha256},
            {"spec_sha256", plan_.experiment.spec_sha256},
            {"substrate", "kvm"},
            {"images", bundle.images},
            {"blendbench_sha256", bundle.DigestOf("bin/blendbench")},
            {"host",
             {{"machine", machine},
              {"node", "node-" + machine.substr(0, 1)},
              {"cpu", "cpu of " + machine.substr(0, 1)},
              {"cores", 4}}}};
  }
  std::vector<Sample> SamplesOf(const Bundle& bundle, int block, const std::string& machine) {
    std::vector<Sample> samples;
    for (const Step& step : plan_.steps) {
      if (step.block != block) continue;
      samples.push_back(OkSample(step.block, step.order, step.arm,
                                 {{"boot.total_s", 10.0 + step.order + 0.1 * step.block}}));
      samples.back().provenance = Provenance(bundle, machine);
    }
    return samples;
  }
  // A block's folder with these samples.
  void LeaveBlock(const Bundle& bundle, const std::filesystem::path& results, int block,
                  const std::vector<Sample>& samples, bool finished = true) {
    const std::filesystem::path folder = results / BlockName(block);
    std::filesystem::create_directories(folder / "console");
    for (const char* name : {"plan.json", "spec.toml", "claims.toml"})
      std::filesystem::copy_file(bundle.folder / name, folder / name,
                                 std::filesystem::copy_options::overwrite_existing);
    Environment environment;
    environment.created = "2026-11-28T10:00:0" + std::to_string(9 - block) + "Z";
    environment.finished = finished ? "2026-11-28T10:10:00Z" : "";
    environment.substrate = "kvm";
    environment.images = bundle.images;
    if (finished) environment.images_after = bundle.images;
    environment.host = {{"cpu", "cpu of a"}, {"machine", kMachineA}, {"node", "node-a"}};
    std::ofstream(folder / "environment.json") << ToJson(environment);
    std::ofstream lines(folder / "samples.jsonl");
    for (const Sample& sample : samples) lines << DumpJson(ToJson(sample), -1);
    std::ofstream(folder / "console" / (BlockName(block) + "-coarse.log")) << "booted\n";
    std::ofstream(folder / "console" / "template.log") << "made\n";
  }
  void LeaveAllBlocks(const Bundle& bundle, const std::filesystem::path& results) {
    for (int block = 0; block < kBlocks; ++block)
      LeaveBlock(bundle, results, block,
                 SamplesOf(bundle, block, block == 1 ? kMachineB : kMachineA));
  }
  std::vector<std::string> LinesOf(const std::string& name) const {
    std::vector<std::string> lines;
    std::ifstream file(folder_.path() / name);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::string claims_;
  Plan plan_;
  std::string path_;
};

}  // namespace blendbench
