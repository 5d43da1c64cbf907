// SPDX-License-Identifier: MIT
// Work in a place where nothing can leak: a process that is the first of a process namespace and alone
// in a mount namespace. However it ends, a kill of blendbench included, the kernel ends every process
// it started, and every mount and loop device goes with them.
// Thread-safety: one thread, which must be the process's main one (the work dies with it); no other
// thread may run when it is called, because the work goes on in a fork.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "harness/guest/clock.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/fd.h"

namespace blendbench {

using Hear = std::function<void(const nlohmann::json& message)>;
// What the work tells the outside; usable inside alone.
using Say = std::function<void(const nlohmann::json& message)>;

// Work that goes on beside the caller; it is killed when its owner goes.
class IsolatedWork {
 public:
  // Starts `work` inside, its standard output and error appended to `log`.
  static Outcome<std::unique_ptr<IsolatedWork>> Start(
      const std::function<Outcome<void>(const Say& say)>& work, const std::filesystem::path& log);
  ~IsolatedWork();
  IsolatedWork(const IsolatedWork&) = delete;
  IsolatedWork& operator=(const IsolatedWork&) = delete;

  // Calls `hear` with each message until `done` holds or the work has ended: both are kDone.
  Wait HearUntil(const Hear& hear, const std::function<bool()>& done, Deadline deadline,
                 const Interrupt* interrupt);
  bool ended() const;  // as far as it was heard
  // Once it has ended: nothing, or in one line how it failed.
  Outcome<void> result() const;

 private:
  struct Parts;
  explicit IsolatedWork(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Runs `work` inside, its standard output and error appended to `log`, and calls `hear` with each
// message as it comes. Ends when the work does, or kills it at the deadline or on an interrupt. An
// error is one line: why the place could not be made, or how the work ended.
Outcome<void> RunIsolated(const std::function<Outcome<void>(const Say& say)>& work,
                          const Hear& hear, const std::filesystem::path& log, Deadline deadline,
                          const Interrupt* interrupt);

}  // namespace blendbench
