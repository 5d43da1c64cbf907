// SPDX-License-Identifier: MIT
// Progress on a terminal (one line, redrawn) or in a log (a line a finished step), with the time
// left. Never a measured value: who watches shall not be tempted to stop when the numbers please.
// Thread-safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "harness/base/progress.h"
#include "harness/cli/io.h"

namespace blendbench {

class TerminalProgress : public Progress {
 public:
  explicit TerminalProgress(Io& io) : io_(io) {}

  void RunStarted(int total, int done, double step_estimate_s) override;
  void StepStarted(int index, int block, const std::string& arm) override;
  void Phase(const std::string& phase) override;
  void StepFinished(int index, const Sample& sample) override;
  void Note(const std::string& line) override;
  void Warn(const Warning& warning) override;
  void RunFinished() override;

  // All that came, for the answer to --json.
  const std::vector<Warning>& warnings() const { return warnings_; }

 private:
  double SecondsLeft() const;
  void Draw(const std::string& phase);
  void Clear();

  Io& io_;
  int total_ = 0;
  int done_ = 0;
  double estimate_s_ = 0;
  double measured_s_ = 0;  // of the steps finished since RunStarted
  int measured_ = 0;
  int block_ = 0;
  std::string arm_;
  bool drawn_ = false;
  std::vector<Warning> warnings_;
};

}  // namespace blendbench
