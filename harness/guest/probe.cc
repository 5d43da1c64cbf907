// SPDX-License-Identifier: MIT
#include "harness/guest/probe.h"

#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/files.h"
#include "harness/guest/guest.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

constexpr double kStartS = 10;
// Under KVM a kernel enters its initramfs in about a second; nested and busy hosts need a few more.
constexpr double kBootS = 8;

std::string BootId() {
  Result<std::string> id = ReadFile("/proc/sys/kernel/random/boot_id");
  return id ? LastLine(*id) : "";
}

// Empty when a guest booted, else why it did not.
std::string TryKvm(const ProbeInputs& inputs, const Interrupt* interrupt, double* seconds) {
  if (::access(inputs.device.c_str(), F_OK) != 0) return "there is no " + inputs.device;
  if (::access(inputs.device.c_str(), R_OK | W_OK) != 0)
    return "no permission to use " + inputs.device + "; join the group kvm";
  MachineSpec spec;
  spec.qemu = inputs.qemu;
  spec.substrate = Substrate::kKvm;
  spec.memory_mib = 256;
  spec.kernel = inputs.kernel;
  spec.initramfs = inputs.initramfs;
  spec.command_line = "console=ttyS0 quiet panic=-1 blend.layout=probe";
  const GuestFiles files{.console_log = inputs.folder / "kvm-probe-console.log",
                         .qemu_log = inputs.folder / "kvm-probe-qemu.log"};
  const int64_t from_ns = MonotonicNs();
  Outcome<std::unique_ptr<Guest>> guest =
      Guest::Start(spec, files, interrupt, Deadline::After(kStartS));
  if (!guest) return "a probe guest did not start: " + guest.error();
  Outcome<void> booted = (*guest)->Boot('I', Deadline::After(kBootS));
  *seconds = SecondsBetween(from_ns, MonotonicNs());
  if (!booted)
    return fmt::format("a probe guest did not boot within {} s: {}", kBootS, booted.error());
  return "";
}

}  // namespace

Result<SubstrateChoice> ChooseSubstrate(const ProbeInputs& inputs, const Interrupt* interrupt) {
  if (inputs.wanted == "icount")
    return SubstrateChoice{Substrate::kIcount, "the experiment asks for instruction counts"};
  if (inputs.wanted == "tcg")
    return SubstrateChoice{Substrate::kTcg, "the experiment asks for tcg"};
  const std::filesystem::path memory = inputs.folder / "substrate.json";
  const std::string boot_id = BootId();
  if (Result<std::string> text = ReadFile(memory)) {
    const std::optional<nlohmann::json> known = ParseHostileJson(*text);
    if (known && StringMember(*known, "boot_id") == boot_id &&
        StringMember(*known, "wanted") == inputs.wanted)
      return SubstrateChoice{SubstrateFromName(StringMember(*known, "substrate").value_or(""))
                                 .value_or(Substrate::kTcg),
                             StringMember(*known, "reason").value_or("")};
  }
  double seconds = 0;
  const std::string why_not = TryKvm(inputs, interrupt, &seconds);
  if (interrupt != nullptr && interrupt->raised())
    return Fail(ExitCode::kInterrupted, "interrupted while probing KVM");
  if (!why_not.empty() && inputs.wanted == "kvm")
    return Fail(ExitCode::kEnvironment,
                "KVM does not work here (" + why_not + "); set substrate = \"auto\" or \"tcg\"");
  SubstrateChoice choice;
  choice.substrate = why_not.empty() ? Substrate::kKvm : Substrate::kTcg;
  choice.reason =
      why_not.empty()
          ? fmt::format("a probe guest reached its initramfs on KVM in {:.1f} s", seconds)
          : why_not;
  const nlohmann::json answer{{"boot_id", boot_id},
                              {"wanted", inputs.wanted},
                              {"substrate", SubstrateName(choice.substrate)},
                              {"reason", choice.reason}};
  // Only a saving of seconds: a folder that cannot be written is noticed soon enough elsewhere.
  (void)WriteFileAtomic(memory, answer.dump(2) + "\n");
  return choice;
}

}  // namespace blendbench
