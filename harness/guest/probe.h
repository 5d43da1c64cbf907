// SPDX-License-Identifier: MIT
// Which substrate guests run on, decided by proof: /dev/kvm may be there and not work, so a tiny
// guest has to boot on it within seconds. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <string>

#include "harness/base/exit_code.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/machine.h"

namespace blendbench {

struct SubstrateChoice {
  Substrate substrate = Substrate::kTcg;
  std::string reason;  // one line
};

struct ProbeInputs {
  std::string wanted = "auto";  // "auto", "kvm", "tcg", "icount", as the spec says
  std::string qemu = "qemu-system-x86_64";
  std::string kernel;
  std::string initramfs;         // its first act is to write the marker I
  std::filesystem::path folder;  // for the guest's logs and the remembered answer; exists
  std::string device = "/dev/kvm";
};

// The answer is remembered in `folder` for as long as the host does not reboot, so that a resumed
// run stays on its substrate. An error (kEnvironment) only when kvm is asked for and does not work,
// or when the user interrupts (kInterrupted).
Result<SubstrateChoice> ChooseSubstrate(const ProbeInputs& inputs, const Interrupt* interrupt);

}  // namespace blendbench
