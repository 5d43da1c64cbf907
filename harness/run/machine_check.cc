// SPDX-License-Identifier: MIT
#include "harness/run/machine_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/base/files.h"
#include "harness/base/scratch_folder.h"
#include "harness/base/text.h"
#include "harness/guest/probe.h"
#include "harness/guest/process.h"
#include "harness/host/fuse_probe.h"
#include "harness/host/programs.h"
#include "harness/measure/images.h"
#include "harness/run/provenance.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLeastFreeBytes = uint64_t{2} << 30;
constexpr double kCommandS = 20;

bool CanOpen(const char* device) {
  const int fd = ::open(device, O_RDWR | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

Finding LookAtKernel() {
  utsname name{};
  if (::uname(&name) != 0) return {"kernel", Health::kPoor, "unknown", "run it on Linux"};
  return {"kernel", Health::kGood, fmt::format("{} {}", name.sysname, name.release), ""};
}

Finding LookAtQemu(const MachineCheck& check) {
  const auto version = QemuVersion(check.qemu, nullptr);
  if (version) return {"qemu", Health::kGood, *version, ""};
  return {"qemu", Health::kBad, version.error(),
          "install it with setup/install, or name one with --qemu"};
}

Finding LookAtImages(const MachineCheck& check) {
  if (check.images.empty())
    return {"images", Health::kPoor, "not looked at", "name their folder with --images"};
  const auto images = LoadImages(check.images);
  if (!images)
    return {"images", Health::kBad, images.error().message,
            "build them with vm-images/build --out DIR"};
  return {"images", Health::kGood,
          fmt::format("{} files, guest kernel {}", images->files.size(), images->kernel_version),
          ""};
}

Finding LookAtKvm(const MachineCheck& check) {
  static const std::string kMeans = "guests are emulated, and claims stay undecided; ";
  if (!CanOpen("/dev/kvm"))
    return {"kvm", Health::kPoor, "/dev/kvm cannot be opened",
            kMeans +
                "load the module kvm_intel or kvm_amd, switch virtualisation on in the firmware "
                "(or nested "
                "virtualisation in the host), or join the group kvm"};
  const auto images = check.images.empty() ? Result<ImageSet>(Fail(ExitCode::kUsage, ""))
                                           : LoadImages(check.images);
  if (!images)
    return {"kvm", Health::kPoor, "/dev/kvm opens, which proves nothing",
            "the proof is a guest that boots on it: name the images with --images"};
  const ScratchFolder folder;
  if (folder.path().empty())
    return {"kvm", Health::kPoor, "no temporary folder for the proof", "set TMPDIR"};
  ProbeInputs inputs;
  inputs.qemu = check.qemu;
  inputs.kernel = images->at("kernel").path.string();
  inputs.initramfs = images->at("initramfs").path.string();
  inputs.folder = folder.path();
  const auto choice = ChooseSubstrate(inputs, nullptr);
  if (!choice) return {"kvm", Health::kPoor, choice.error().message, kMeans + "see above"};
  if (choice->substrate == Substrate::kKvm) return {"kvm", Health::kGood, choice->reason, ""};
  return {"kvm", Health::kPoor, choice->reason,
          kMeans + "on a cloud machine choose a type with nested virtualisation, or bare metal"};
}

std::vector<Finding> LookAtFuse() {
  if (!CanOpen("/dev/fuse"))
    return {{"fuse", Health::kPoor, "/dev/fuse cannot be opened",
             "blendfs works in guests but not on this host; load the module fuse"}};
  if (::geteuid() != 0)
    return {{"fuse", Health::kGood, "/dev/fuse opens", ""},
            {"fuse passthrough", Health::kPoor, "not looked at", "ask as root"}};
  const ScratchFolder folder;
  if (folder.path().empty())
    return {{"fuse", Health::kPoor, "no temporary folder to try a mount in", "set TMPDIR"}};
  const auto offer = AskFuse(folder.path() / "fuse.log", Deadline::After(kCommandS));
  if (!offer)
    return {{"fuse", Health::kPoor, offer.error(),
             "mounting needs CAP_SYS_ADMIN; is this a container?"}};
  Finding fuse{"fuse", Health::kGood, fmt::format("protocol {}.{}", offer->major, offer->minor),
               ""};
  if (offer->passthrough)
    return {fuse,
            {"fuse passthrough", Health::kGood,
             "offered: reads and writes of upper files bypass the daemon", ""}};
  return {fuse,
          {"fuse passthrough", Health::kPoor, "not offered: data goes through the daemon",
           "use a kernel from 6.9 on with CONFIG_FUSE_PASSTHROUGH"}};
}

Finding LookAtProgram(const char* what, const fs::path& program, const std::string& version_option,
                      const std::string& remedy) {
  const fs::path found = FindProgram(program.string());
  if (found.empty()) return {what, Health::kPoor, program.string() + " is not there", remedy};
  const auto output =
      RunChecked({found.string(), version_option}, Deadline::After(kCommandS), nullptr);
  const std::string first = output ? CleanText(output->substr(0, output->find('\n'))) : "";
  return {what, Health::kGood, first.empty() ? found.string() : first, ""};
}

Finding LookAtSpace(const MachineCheck& check) {
  const auto free = FreeBytes(check.runs_dir);
  if (!free) return {"disk space", Health::kBad, free.error().message, "choose another --out"};
  const std::string detail =
      fmt::format("{:.1f} GiB free for {}", static_cast<double>(*free) / (1 << 30), check.runs_dir);
  if (*free >= kLeastFreeBytes) return {"disk space", Health::kGood, detail, ""};
  return {"disk space", Health::kBad, detail,
          "a run needs 2 GiB: free some, or choose another --out"};
}

}  // namespace

const char* HealthName(Health health) {
  if (health == Health::kGood) return "ok";
  return health == Health::kPoor ? "poor" : "missing";
}

std::vector<Finding> CheckPrograms(const MachineCheck& check) {
  std::vector<Finding> findings = {LookAtKernel(), LookAtQemu(check), LookAtImages(check),
                                   LookAtKvm(check)};
  for (Finding& finding : LookAtFuse()) findings.push_back(std::move(finding));
  findings.push_back(
      LookAtProgram("blendfs", check.blendfs, "--version",
                    "build it, or name one with --blendfs; the host substrate needs it"));
  findings.push_back(
      LookAtProgram("systemd-nspawn", "systemd-nspawn", "--version",
                    "install systemd-container; without it nothing boots on the host"));
  findings.push_back(LookAtSpace(check));
  return findings;
}

}  // namespace blendbench
