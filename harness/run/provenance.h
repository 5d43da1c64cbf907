// SPDX-License-Identifier: MIT
// Where a run's numbers come from, apart from the images: the harness itself, its source, QEMU.
// Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/guest/event_loop.h"

namespace blendbench {

struct SourceState {
  std::string commit;  // "" when unknown
  bool dirty = false;
};
// Asks git about `checkout`; no git or no checkout gives an unknown commit.
SourceState ReadSourceState(const std::filesystem::path& checkout, const Interrupt* interrupt);

// Of the running executable; "" when it cannot be read.
std::string OwnDigest();

// "10.0.2" and the like from `qemu --version`; an error names the remedy.
Outcome<std::string> QemuVersion(const std::string& qemu, const Interrupt* interrupt);

}  // namespace blendbench
