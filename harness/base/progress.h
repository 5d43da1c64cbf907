// SPDX-License-Identifier: MIT
// Where a run tells how far it is; the command line shows it, tests record it, a library user
// ignores it. Thread-safety: calls come from one thread, the one that runs the plan.
// Implementations must not throw and must return quickly: they are called while a guest boots.
#pragma once

#include <string>

#include "harness/base/sample.h"
#include "harness/base/warning.h"

namespace blendbench {

class Progress {
 public:
  virtual ~Progress() = default;

  // Once, before the first step. `done` steps of `total` were found finished (a resumed run);
  // `step_estimate_s` is the expected wall time of one step before any was seen.
  virtual void RunStarted(int total, int done, double step_estimate_s) = 0;

  // A step (one arm in one block) begins; `index` counts from 0 over the whole plan.
  virtual void StepStarted(int index, int block, const std::string& arm) = 0;

  // What the running step does now: "clone", "boot", "agent", "fio:ID", "promises", "poweroff",
  // "upgrade".
  virtual void Phase(const std::string& phase) = 0;

  // The step's sample is on disk.
  virtual void StepFinished(int index, const Sample& sample) = 0;

  // One line the user should read: a fallback taken, what is being waited for.
  virtual void Note(const std::string& line) = 0;

  // What the user should know, and do something about.
  virtual void Warn(const Warning& warning) { Note(LineOf(warning)); }

  virtual void RunFinished() = 0;
};

class SilentProgress : public Progress {
 public:
  void RunStarted(int, int, double) override {}
  void StepStarted(int, int, const std::string&) override {}
  void Phase(const std::string&) override {}
  void StepFinished(int, const Sample&) override {}
  void Note(const std::string&) override {}
  void RunFinished() override {}
};

}  // namespace blendbench
