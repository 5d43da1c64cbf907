// SPDX-License-Identifier: MIT
#include "harness/run/provenance.h"

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/hostile.h"
#include "harness/guest/process.h"

namespace blendbench {
namespace {

constexpr double kGitS = 20;
constexpr double kVersionS = 20;

}  // namespace

SourceState ReadSourceState(const std::filesystem::path& checkout, const Interrupt* interrupt) {
  SourceState state;
  if (checkout.empty()) return state;
  auto git = [&](std::initializer_list<std::string> words) {
    // A checkout of another user is read all the same: only its state is asked for.
    std::vector<std::string> argv{"git", "-c", "safe.directory=*", "-C", checkout.string()};
    argv.insert(argv.end(), words);
    return RunCommand(argv, Deadline::After(kGitS), interrupt);
  };
  const Outcome<CommandResult> commit = git({"rev-parse", "--verify", "HEAD"});
  if (!commit || !commit->status.ok()) return state;
  state.commit = LastLine(commit->output);
  const Outcome<CommandResult> changes = git({"status", "--porcelain", "--untracked-files=no"});
  state.dirty = changes && changes->status.ok() && !changes->output.empty();
  return state;
}

std::string OwnDigest() {
  Result<std::string> digest = Sha256OfFile("/proc/self/exe");
  return digest ? *digest : "";
}

Outcome<std::string> QemuVersion(const std::string& qemu, const Interrupt* interrupt) {
  Outcome<std::string> output =
      RunChecked({qemu, "--version"}, Deadline::After(kVersionS), interrupt);
  if (!output) return Unexpected(output.error());
  // QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)
  static const std::string kBefore = "version ";
  const size_t at = output->find(kBefore);
  if (at == std::string::npos) return Unexpected(qemu + " --version does not look like QEMU");
  const size_t begin = at + kBefore.size();
  return CleanText(output->substr(begin, output->find_first_of(" \n", begin) - begin));
}

}  // namespace blendbench
