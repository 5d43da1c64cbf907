// SPDX-License-Identifier: MIT
// Work in a place where nothing can leak: a process that is the first of a process namespace and alone
// in a mount namespace. However it ends, a kill of blendbench included, the kernel ends every process
// it started, and every mount and loop device goes with them.
// Thread-safety: one thread, which must be the process's main one (the work dies with it); no other
// thread may run when it is called, because the work goes on in a fork.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "harness/guest/clock.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/fd.h"

namespace blendbench {

using Hear = std::function<void(const nlohmann::json& message)>;
// What the work tells the outside; usable inside alone.
using Say = std::function<void(const nlohmann::json& message)>;

// Runs `work` inside, its standard output and error appended to `log`, and calls `hear` with each
// message as it comes. Ends when the work does, or kills it at the deadline or on an interrupt. An
// error is one line: why the place could not be made, or how the work ended.
Outcome<void> RunIsolated(const std::function<Outcome<void>(const Say& say)>& work,
                          const Hear& hear, const std::filesystem::path& log, Deadline deadline,
                          const Interrupt* interrupt);

}  // namespace blendbench
