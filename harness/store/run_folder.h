// SPDX-License-Identifier: MIT
// A run on disk, results/runs/RUN: what was planned, what it ran on, and every sample, appended as
// it came.
//   plan.json          the plan; fixed, with its hashes, before the first sample
//   spec.toml          the bytes of the experiment's spec
//   claims.toml        the bytes of the claims the run is judged by
//   environment.json   the machine, the images and the substrate (Environment)
//   samples.jsonl      one Sample a line, appended and fsynced
//   samples.corrupt    lines that could not be read, kept byte for byte, each after a comment with
//   its number console/*.log      console logs lock               held (flock) by the one
//   blendbench that works on the run
// A kill at any moment loses at most the sample being written. A torn last line is set aside and
// its step becomes pending again; a damaged line further up stays where it is, is copied aside and
// is reported at every opening. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/base/sample.h"
#include "harness/base/warning.h"
#include "harness/spec/experiment.h"
#include "harness/store/environment.h"

namespace blendbench {

struct SamplesFile;

class RunFolder {
 public:
  // Makes `runs_dir`/`run_id` and takes its lock. kUsage when it exists already (the message offers
  // --resume).
  static Result<RunFolder> Create(const std::filesystem::path& runs_dir, const std::string& run_id,
                                  const Plan& plan, const std::string& spec_text,
                                  const std::string& claims_text);
  // Opens a run to continue it: takes the lock (kEnvironment when another process holds it),
  // repairs a torn tail.
  static Result<RunFolder> OpenForWriting(const std::filesystem::path& run_dir);
  // Opens a run to look at it; never changes a byte, needs no lock.
  static Result<RunFolder> OpenForReading(const std::filesystem::path& run_dir);

  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&& other) noexcept;
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder();

  const std::filesystem::path& dir() const { return dir_; }
  std::string id() const { return dir_.filename().string(); }
  const Plan& plan() const { return plan_; }
  const std::string& plan_sha256() const { return plan_sha256_; }
  const std::string& claims_text() const { return claims_text_; }
  const Environment& environment() const { return environment_; }
  const std::vector<Sample>& samples() const { return samples_; }  // in the order of the file
  // Damaged lines with their number, duplicates, samples of no planned step.
  const std::vector<Warning>& warnings() const { return warnings_; }

  // From here on the folder is that of one block alone: no other step is its own.
  void OnlyBlock(int block) { only_block_ = block; }
  std::optional<int> only_block() const { return only_block_; }
  // The plan's steps, or those of the one block.
  std::vector<Step> Steps() const;

  // Those without a sample, in the plan's order. A failed sample is a sample: its step is not
  // run again.
  std::vector<Step> PendingSteps() const;

  // On return the sample is on disk (fsync). A full disk is kEnvironment and leaves no torn line
  // behind.
  Result<void> Append(const Sample& sample);

  // Replaces environment.json; call it before the first sample and once more when the run ends.
  Result<void> WriteEnvironment(const Environment& environment);

  // console/b000-ARM.log: path relative to dir(), as Failure::console wants it; the folder exists
  // afterwards.
  std::string ConsoleName(const Step& step) const;

 private:
  RunFolder() = default;
  static Result<RunFolder> Load(const std::filesystem::path& run_dir, bool writable);
  Result<void> TakeLock();
  Result<void> LoadSamples(bool writable);
  void WarnOfUnreadable(const SamplesFile& file, bool writable);
  void WarnOfForeign();
  Result<void> SetAside(int line, std::string_view bytes, const std::string& problem);
  Result<void> OpenSamples();

  std::filesystem::path dir_;
  Plan plan_;
  std::string plan_sha256_;
  std::string claims_text_;
  Environment environment_;
  std::vector<Sample> samples_;
  std::vector<Warning> warnings_;
  std::optional<int> only_block_;
  int lock_fd_ = -1;
  int samples_fd_ = -1;  // only when writable
};

// The runs in `runs_dir`, oldest first by name; folders without a plan.json are left out.
std::vector<std::filesystem::path> ListRuns(const std::filesystem::path& runs_dir);

}  // namespace blendbench
