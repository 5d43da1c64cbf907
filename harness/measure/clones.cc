// SPDX-License-Identifier: MIT
#include "harness/measure/clones.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "harness/base/files.h"
#include "harness/guest/process.h"
#include "harness/host/loop_mount.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kQemuImgS = 60;
constexpr double kCopyS = 600;
// What booting, journals, packages and logs write in one arm, generously.
constexpr uint64_t kBaseBytes = 512ull << 20;

Result<void> CopyWhole(const std::string& from, const std::string& to, const Interrupt* interrupt) {
  Outcome<void> made = CloneImage(from, to, Deadline::After(kCopyS), interrupt);
  if (made) return {};
  return Fail(ExitCode::kEnvironment, fmt::format("cannot copy {}: {}", from, made.error()));
}

Result<void> MakeQcow2(const Disk& disk, const Interrupt* interrupt) {
  const bool chained = !disk.overlay.empty();
  const std::string& below = chained ? disk.overlay : disk.image;
  std::error_code error;
  const uintmax_t size = fs::file_size(disk.image, error);
  if (error) return tl::unexpected(FileError("look at", disk.image, error.value()));
  // -u: what lies below an overlay is told to QEMU alone, so nothing can be opened here.
  Outcome<std::string> made =
      RunChecked({"qemu-img", "create", "-q", "-f", "qcow2", "-u", "-F", chained ? "qcow2" : "raw",
                  "-b", below, disk.clone, std::to_string(size)},
                 Deadline::After(kQemuImgS), interrupt);
  if (made) return {};
  return Fail(ExitCode::kEnvironment, fmt::format("cannot clone {}: {}", below, made.error()));
}

uint64_t BytesOnDisk(const std::string& path) {
  struct stat status {};
  return path.empty() || ::stat(path.c_str(), &status) != 0
             ? 0
             : static_cast<uint64_t>(status.st_blocks) * 512;
}

}  // namespace

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
      roles_(std::exchange(other.roles_, {})),
      keep_(other.keep_) {}

CloneSet::~CloneSet() {
  if (keep_) return;
  for (size_t i = 0; i < disks_.size(); ++i) Remove(i);
  std::error_code ignored;
  if (!disks_.empty()) fs::remove(folder_, ignored);  // when nothing else is in it
}

void CloneSet::Remove(size_t number) const {
  std::error_code ignored;
  if (!disks_[number].clone.empty()) fs::remove(disks_[number].clone, ignored);
  if (roles_[number].copied) fs::remove(disks_[number].image, ignored);
}

Result<void> CloneSet::Add(const ImageSet& images, const DiskRole& role,
                           const Interrupt* interrupt) {
  const Image& image = images.at(role.image);
  const fs::path stem = folder_ / (role.serial + "-" + role.image);
  Disk disk;
  disk.serial = role.serial;
  disk.image = image.path.string();
  disk.read_only = role.read_only;
  disk.exported = role.exported;
  if (!role.overlay.empty()) disk.overlay = images.at(role.overlay).path.string();
  if (role.slice >= 0) {
    disk.bytes = image.slice_bytes;
    disk.offset = disk.bytes * static_cast<uint64_t>(role.slice);
  }
  const bool as_it_is = role.slice >= 0 || (role.exported && role.read_only);
  if (!as_it_is) disk.clone = stem.string() + (role.exported ? ".raw" : ".qcow2");
  if (role.copied) disk.image = stem.string() + ".copy";
  disks_.push_back(disk);  // before the files exist: half-made ones are removed as well
  roles_.push_back(role);
  Result<void> made;
  if (role.copied) made = CopyWhole(image.path.string(), disk.image, interrupt);
  if (made && !as_it_is)
    made =
        role.exported ? CopyWhole(disk.image, disk.clone, interrupt) : MakeQcow2(disk, interrupt);
  if (!made && interrupt != nullptr && interrupt->raised())
    return Fail(ExitCode::kInterrupted, "interrupted while cloning images");
  return made;
}

Result<void> CloneSet::Exchange(const ImageSet& images, const DiskRole& role,
                                const Interrupt* interrupt) {
  const auto old = std::find_if(disks_.begin(), disks_.end(),
                                [&](const Disk& disk) { return disk.serial == role.serial; });
  const auto place = old - disks_.begin();
  if (old != disks_.end() && !old->overlay.empty()) {
    // The clone holds what the user changed: another image comes under it.
    old->image = images.at(role.image).path.string();
    return {};
  }
  if (old != disks_.end()) {
    Remove(static_cast<size_t>(place));
    disks_.erase(old);
    roles_.erase(roles_.begin() + place);
  }
  Result<void> added = Add(images, role, interrupt);
  // Where the old one was: a guest names its disks in the order they are attached.
  std::rotate(disks_.begin() + place, disks_.end() - 1, disks_.end());
  std::rotate(roles_.begin() + place, roles_.end() - 1, roles_.end());
  return added;
}

Storage CloneSet::OnDisk() const {
  Storage storage;
  for (size_t i = 0; i < disks_.size(); ++i) {
    const Disk& disk = disks_[i];
    storage.per_user += BytesOnDisk(disk.clone) + BytesOnDisk(disk.overlay);
    // A part of an image counts whole: its holes are not told apart.
    const uint64_t image = disk.bytes > 0 ? disk.bytes : BytesOnDisk(disk.image);
    if (!roles_[i].per_user)
      storage.shared += image;
    else if (
        !disk.exported)  // the copy that the host exports is the user's image and what it became
      storage.per_user += image;
  }
  return storage;
}

void EvictFromHostCache(const std::vector<Disk>& disks) {
  for (const Disk& disk : disks)
    for (const std::string& path : {disk.image, disk.overlay, disk.clone}) {
      if (path.empty()) continue;
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

Result<void> CheckFreeSpace(const fs::path& folder, const Experiment& experiment, uint64_t copies) {
  uint64_t needed = kBaseBytes + copies;
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
