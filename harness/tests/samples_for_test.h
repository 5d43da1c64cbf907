// SPDX-License-Identifier: MIT
// Made-up experiments and samples, and a temporary folder. Test code only.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/base/sample.h"
#include "harness/base/warning.h"
#include "harness/spec/experiment.h"

namespace blendbench {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blendbench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The warnings as a user reads them.
inline std::vector<std::string> Lines(const std::vector<Warning>& warnings) {
  std::vector<std::string> lines;
  for (const Warning& warning : warnings) lines.push_back(LineOf(warning));
  return lines;
}

inline Sample OkSample(int block, int order, const std::string& arm,
                       std::map<std::string, double> metrics) {
  Sample sample;
  sample.block = block;
  sample.order = order;
  sample.arm = arm;
  sample.metrics = std::move(metrics);
  sample.started = "2026-11-23T10:00:00Z";
  sample.duration_s = 20;
  return sample;
}

inline Sample FailedSample(int block, int order, const std::string& arm) {
  Sample sample = OkSample(block, order, arm, {});
  sample.status = SampleStatus::kFailed;
  sample.failure = Failure{"boot", "kernel panic", "Kernel panic - not syncing", "console/x.log"};
  return sample;
}

// coarse (reference), coarse-aa (control), fine-blendfs; one read and one write job.
inline Experiment SmallExperiment(int blocks) {
  Experiment experiment;
  experiment.name = "small";
  experiment.blocks = blocks;
  Arm coarse;
  coarse.id = coarse.label = "coarse";
  coarse.reference = true;
  Arm control = coarse;
  control.id = control.label = "coarse-aa";
  control.reference = false;
  control.control = true;
  Arm fine;
  fine.id = fine.label = "fine-blendfs";
  fine.layout = Layout::kFine;
  fine.engine = "blendfs";
  experiment.arms = {coarse, control, fine};
  FioJob read;
  read.id = "path_read_1m";
  read.label = "path, sequential read 1M";
  read.family = "path";
  read.file = "path_read_1m.fio";
  FioJob write = read;
  write.id = "app_write_1m";
  write.label = "application, sequential write 1M";
  write.family = "app";
  write.file = "app_write_1m.fio";
  experiment.jobs = {read, write};
  return experiment;
}

// Every arm in every block; fine-blendfs's boot and throughput are worse by `slow_down` (1.2 is 20 %), and everything
// wobbles a little, the same in every call.
inline std::vector<Sample> SmallSamples(int blocks, double slow_down) {
  std::vector<Sample> samples;
  for (int block = 0; block < blocks; ++block) {
    int order = 0;
    for (const char* arm : {"coarse", "coarse-aa", "fine-blendfs"}) {
      const double wobble = 1 + 0.004 * ((block * 3 + order * 5) % 7 - 3);
      const double worse = (order == 2 ? slow_down : 1.0) * wobble;
      samples.push_back(OkSample(block, order++, arm,
                                 {{"boot.total_s", 10 * worse},
                                  {"fio.path_read_1m_mbps", 500 / worse},
                                  {"fio.app_write_1m_mbps", 300 / worse}}));
    }
  }
  return samples;
}

}  // namespace blendbench
