// SPDX-License-Identifier: MIT
// doctor: what a run needs, looked at one by one, each finding with its remedy.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "harness/base/files.h"
#include "harness/cli/commands.h"
#include "harness/cli/places.h"
#include "harness/guest/probe.h"
#include "harness/measure/images.h"
#include "harness/run/provenance.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLeastFreeBytes = uint64_t{2} << 30;

enum class Health { kGood, kPoor, kBad };  // kPoor: a run works, with less to show

struct Finding {
  std::string what;
  Health health = Health::kGood;
  std::string detail;  // with the remedy when not good
};

const char* HealthName(Health health) {
  if (health == Health::kGood) return "ok";
  return health == Health::kPoor ? "poor" : "missing";
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "blendbench-doctor-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

bool CanOpen(const char* device) {
  const int fd = open(device, O_RDWR | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

Finding LookAtQemu(const DoctorOptions& options) {
  const auto version = QemuVersion(options.qemu, nullptr);
  if (!version) return {"qemu", Health::kBad, version.error()};
  return {"qemu", Health::kGood, *version};
}

Finding LookAtImages(const DoctorOptions& options) {
  if (options.images.empty())
    return {"images", Health::kPoor, "not looked at; name their folder with --images"};
  const auto images = LoadImages(options.images);
  if (!images) return {"images", Health::kBad, images.error().message};
  return {"images", Health::kGood,
          fmt::format("{} files, guest kernel {}", images->files.size(), images->kernel_version)};
}

Finding LookAtKvm(const DoctorOptions& options) {
  if (!CanOpen("/dev/kvm")) {
    return {"kvm", Health::kPoor,
            "/dev/kvm cannot be opened: guests are emulated and claims stay undecided; load the "
            "kvm module or join the "
            "group kvm"};
  }
  const auto images = options.images.empty() ? Result<ImageSet>(Fail(ExitCode::kUsage, ""))
                                             : LoadImages(options.images);
  if (!images)
    return {"kvm", Health::kPoor, "/dev/kvm opens; the proof is a guest, which needs --images"};
  const TemporaryFolder folder;
  if (folder.path().empty())
    return {"kvm", Health::kPoor, "no temporary folder for the proof; set TMPDIR"};
  ProbeInputs inputs;
  inputs.qemu = options.qemu;
  inputs.kernel = images->at("kernel").path.string();
  inputs.initramfs = images->at("initramfs").path.string();
  inputs.folder = folder.path();
  const auto choice = ChooseSubstrate(inputs, nullptr);
  if (!choice) return {"kvm", Health::kPoor, choice.error().message};
  const bool works = choice->substrate == Substrate::kKvm;
  return {"kvm", works ? Health::kGood : Health::kPoor, choice->reason};
}

Finding LookAtFuse() {
  if (CanOpen("/dev/fuse")) return {"fuse", Health::kGood, "/dev/fuse opens"};
  return {"fuse", Health::kPoor,
          "/dev/fuse cannot be opened: blendfs works in guests, not on this host; load the fuse "
          "module"};
}

Finding LookAtSpace(const DoctorOptions& options) {
  const auto free = FreeBytes(options.runs_dir);
  if (!free) return {"disk space", Health::kBad, free.error().message};
  const std::string detail = fmt::format("{:.1f} GiB free for {}",
                                         static_cast<double>(*free) / (1 << 30), options.runs_dir);
  if (*free >= kLeastFreeBytes) return {"disk space", Health::kGood, detail};
  return {"disk space", Health::kBad,
          detail + "; a run needs 2 GiB, free some or choose another --out"};
}

Finding LookAtHome() {
  const fs::path home = FindHome();
  if (!home.empty()) return {"checkout", Health::kGood, home.string()};
  return {"checkout", Health::kPoor, "not found: give --jobs and --claims, or set BLENDBENCH_HOME"};
}

}  // namespace

int DoctorCommand(const DoctorOptions& options, Io& io) {
  const std::vector<Finding> findings = {{"blendbench", Health::kGood, BLENDBENCH_VERSION},
                                         LookAtQemu(options),
                                         LookAtImages(options),
                                         LookAtKvm(options),
                                         LookAtFuse(),
                                         LookAtSpace(options),
                                         LookAtHome()};
  bool bad = false;
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& finding : findings) {
    bad = bad || finding.health == Health::kBad;
    list.push_back({{"what", finding.what},
                    {"health", HealthName(finding.health)},
                    {"detail", finding.detail}});
    if (!options.json) {
      io.out << fmt::format("{:<8} {:<11} {}\n", HealthName(finding.health), finding.what,
                            finding.detail);
    }
  }
  if (options.json)
    io.out << list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  return Status(bad ? ExitCode::kEnvironment : ExitCode::kOk);
}

}  // namespace blendbench
