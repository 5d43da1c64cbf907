// SPDX-License-Identifier: MIT
#include "harness/cli/terminal_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "harness/base/text.h"

namespace blendbench {

void TerminalProgress::RunStarted(int total, int done, double step_estimate_s) {
  total_ = total;
  done_ = done;
  estimate_s_ = step_estimate_s;
  const std::string resumed = done == 0 ? "" : fmt::format(", {} of them done before", done);
  Note(fmt::format("{} samples{}; about {} to go", total, resumed, DurationText(SecondsLeft())));
}

void TerminalProgress::StepStarted(int, int block, const std::string& arm) {
  block_ = block;
  arm_ = arm;
  Draw("");
}

void TerminalProgress::Phase(const std::string& phase) { Draw(phase); }

void TerminalProgress::StepFinished(int, const Sample& sample) {
  ++done_;
  ++measured_;
  measured_s_ += sample.duration_s;
  Clear();
  const bool ok = sample.status == SampleStatus::kOk;
  const char* on = io_.colours && !ok ? "\x1b[31m" : "";
  const char* off = io_.colours && !ok ? "\x1b[0m" : "";
  std::string result = "ok";
  if (!ok && sample.failure) {
    result = fmt::format("{}failed{} in {}: {}", on, off, OneLine(sample.failure->phase),
                         OneLine(sample.failure->reason));
  }
  io_.err << fmt::format("[{}/{}] block {} {}: {} ({:.0f} s), {} left\n", done_, total_,
                         sample.block, sample.arm, result, sample.duration_s,
                         DurationText(SecondsLeft()));
  io_.err.flush();
}

void TerminalProgress::Note(const std::string& line) {
  Clear();
  io_.err << line << '\n';
  io_.err.flush();
}

void TerminalProgress::Warn(const Warning& warning) {
  Clear();
  blendbench::Warn(io_, {warning});
  warnings_.push_back(warning);
}

void TerminalProgress::RunFinished() { Clear(); }

double TerminalProgress::SecondsLeft() const {
  const double step_s = measured_ == 0 ? estimate_s_ : measured_s_ / measured_;
  return step_s * std::max(0, total_ - done_);
}

void TerminalProgress::Draw(const std::string& phase) {
  if (!io_.terminal) return;
  io_.err << fmt::format("\r\x1b[K[{}/{}] block {} {}{}{}  {} left", done_ + 1, total_, block_,
                         arm_, phase.empty() ? "" : ": ", OneLine(phase),
                         DurationText(SecondsLeft()));
  io_.err.flush();
  drawn_ = true;
}

void TerminalProgress::Clear() {
  if (drawn_) io_.err << "\r\x1b[K";
  drawn_ = false;
}

}  // namespace blendbench
