// SPDX-License-Identifier: MIT
// Settings of the machine that make measurements noisy, set for the time of a run and put back after it, however
// it ends. What was there before is on disk before anything is changed, so that a killed blendbench's settings
// are put back by the next one that tunes, or by `blendbench doctor --restore`.
// Thread-safety: one thread; one process at a time by a lock on the record.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"

namespace blendbench {

struct Setting {
  std::string name;            // "governor", "no_turbo", ...
  std::filesystem::path path;  // relative to the root
  std::string wanted;
  std::string why;
};

// Those that this machine has: the governor of each processor, turbo, KSM, how long a virtual processor polls before it halts,
// the randomisation of addresses, NUMA
// balancing, the NMI watchdog.
std::vector<Setting> KnownSettings(const std::filesystem::path& root = "/");

class Tuning {
 public:
  // Puts back what an earlier blendbench left, then sets what differs. A setting that cannot be written is
  // put into notes(), not an error; an error is a record that cannot be kept, or a lock somebody holds.
  static Result<Tuning> Apply(const std::filesystem::path& record,
                              const std::filesystem::path& root = "/");

  Tuning(Tuning&& other) noexcept;
  Tuning& operator=(Tuning&&) = delete;
  ~Tuning();  // puts everything back

  const std::vector<std::string>& notes() const {
    return notes_;
  }  // "governor: powersave -> performance"

 private:
  Tuning() = default;
  std::filesystem::path record_;
  std::filesystem::path root_;
  int lock_fd_ = -1;
  std::vector<std::string> notes_;
};

// Puts back what a killed blendbench left; the lines say what. No record: nothing to do, no lines. An error when
// another process that tunes is alive, or when something cannot be put back (the record stays then).
Result<std::vector<std::string>> RestoreTuning(const std::filesystem::path& record,
                                               const std::filesystem::path& root = "/");

// Where the record of this machine is: /run/blendbench-tuning.json.
std::filesystem::path TuningRecord();

}  // namespace blendbench
