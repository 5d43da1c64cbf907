// SPDX-License-Identifier: MIT
// The initramfs of a guest whose root is carried by an engine that the images do not bring: theirs, and behind it an
// archive with the engine's program as this machine has it, the shared libraries it is linked with, and its command.
// The kernel unpacks archives that follow each other as one, and the images' init carries out what it finds in
// /engine/argv (one word a line). Thread-safety: functions without state.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/guest/event_loop.h"
#include "harness/spec/arm.h"
#include "harness/spec/engine.h"

namespace blendbench {

// The layers of a fine arm's guest, where its initramfs mounts them.
MountOrder RootMountOrder(const Arm& arm);

// What the output of ldd(1) says a program needs: paths, the loader among them. An error names a library that is not
// there. Pure.
Outcome<std::vector<std::string>> LibrariesOf(const std::string& ldd_output);

// Writes `out`. `engine` has the path of its program filled in; `base` is the images' initramfs. kEnvironment when a
// file cannot be read or written.
Result<void> WriteEngineInitramfs(const EngineDescriptor& engine, const MountOrder& order,
                                  const std::filesystem::path& base,
                                  const std::filesystem::path& out, const Interrupt* interrupt);

}  // namespace blendbench
