// SPDX-License-Identifier: MIT
#include "harness/measure/clones.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "harness/base/files.h"
#include "harness/guest/process.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kQemuImgS = 60;
// What booting, journals, packages and logs write in one arm, generously.
constexpr uint64_t kBaseBytes = 512ull << 20;

}  // namespace

std::vector<DiskRole> DiskRoles(Layout layout, bool next_system) {
  const std::string system = next_system ? "system_next" : "system";
  switch (layout) {
    case Layout::kMonolithic:
      return {{"system", "monolithic", false}};
    case Layout::kCoarse:
      return {{"system", system, false}, {"app0", "app", true}, {"user", "user", false}};
    case Layout::kFine:
      return {{"system", system, true}, {"app0", "app", true}, {"user", "user", false}};
  }
  return {};
}

Result<CloneSet> CloneSet::Make(const ImageSet& images, const std::vector<DiskRole>& roles,
                                const fs::path& folder, const Interrupt* interrupt) {
  CloneSet set;
  set.folder_ = fs::absolute(folder);
  for (const DiskRole& role : roles)
    if (Result<void> added = set.Add(images, role, interrupt); !added)
      return tl::unexpected(added.error());
  return set;
}

CloneSet::CloneSet(CloneSet&& other) noexcept
    : folder_(std::move(other.folder_)),
      disks_(std::exchange(other.disks_, {})),
      keep_(other.keep_) {}

CloneSet::~CloneSet() {
  if (keep_) return;
  std::error_code ignored;
  for (const Disk& disk : disks_) fs::remove(disk.clone, ignored);
  if (!disks_.empty()) fs::remove(folder_, ignored);  // when nothing else is in it
}

Result<void> CloneSet::Add(const ImageSet& images, const DiskRole& role,
                           const Interrupt* interrupt) {
  const Image& image = images.at(role.image);
  Disk disk{.serial = role.serial,
            .clone = (folder_ / (role.serial + "-" + role.image + ".qcow2")).string(),
            .image = image.path.string(),
            .read_only = role.read_only};
  disks_.push_back(disk);  // before the file exists: a half-made one is removed as well
  Outcome<std::string> made = RunChecked(
      {"qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", disk.image, disk.clone},
      Deadline::After(kQemuImgS), interrupt);
  if (made) return {};
  if (interrupt != nullptr && interrupt->raised())
    return Fail(ExitCode::kInterrupted, "interrupted while cloning images");
  return Fail(ExitCode::kEnvironment, fmt::format("cannot clone {}: {}", disk.image, made.error()));
}

Result<void> CloneSet::Exchange(const ImageSet& images, const DiskRole& role,
                                const Interrupt* interrupt) {
  const auto old = std::find_if(disks_.begin(), disks_.end(),
                                [&](const Disk& disk) { return disk.serial == role.serial; });
  const auto place = old - disks_.begin();
  if (old != disks_.end()) {
    std::error_code ignored;
    fs::remove(old->clone, ignored);
    disks_.erase(old);
  }
  Result<void> added = Add(images, role, interrupt);
  // Where the old one was: a guest names its disks in the order they are attached.
  std::rotate(disks_.begin() + place, disks_.end() - 1, disks_.end());
  return added;
}

void EvictFromHostCache(const std::vector<Disk>& disks) {
  for (const Disk& disk : disks)
    for (const std::string& path : {disk.image, disk.clone}) {
      const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!fd) continue;
      ::fdatasync(fd.get());  // dirty pages are not dropped
      ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    }
}

bool SupportsDirectIo(const fs::path& folder) {
  const fs::path probe = folder / ".direct-io-probe";
  const Fd fd(::open(probe.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_DIRECT, 0600));
  std::error_code ignored;
  fs::remove(probe, ignored);
  return static_cast<bool>(fd);
}

Result<void> CheckFreeSpace(const fs::path& folder, const Experiment& experiment) {
  uint64_t needed = kBaseBytes;
  for (const FioJob& job : experiment.jobs)
    if (!job.lower_file) needed += static_cast<uint64_t>(std::max(0, job.size_mib)) << 20;
  Result<uint64_t> available = FreeBytes(folder);
  if (!available) return tl::unexpected(available.error());
  if (*available >= needed) return {};
  return Fail(ExitCode::kEnvironment,
              fmt::format("{}: {} MiB free, an arm may need {} MiB; free some space, then run it "
                          "again with --resume",
                          folder.string(), *available >> 20, needed >> 20));
}

}  // namespace blendbench
