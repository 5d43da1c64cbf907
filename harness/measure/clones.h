// SPDX-License-Identifier: MIT
// A guest's disks: private copy-on-write clones of the images, made fresh for each arm and gone
// after it, so that no arm sees another's writes or finds its pages warm. Thread-safety: one
// thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/exit_code.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/machine.h"
#include "harness/measure/images.h"

namespace blendbench {

// Which image is behind which disk, and whether the guest may write to it. Pure.
struct DiskRole {
  std::string serial;
  std::string image;  // name in the manifest
  bool read_only = false;
  bool operator==(const DiskRole&) const = default;
};
// `next_system`: with the newer system image in place of the system image.
std::vector<DiskRole> DiskRoles(Layout layout, bool next_system);

// Files that go when the object goes, unless kept.
class CloneSet {
 public:
  // Clones are made in `folder`, which exists and goes with them if it is empty then. An error is kEnvironment (no qemu-img, no space).
  static Result<CloneSet> Make(const ImageSet& images, const std::vector<DiskRole>& roles,
                               const std::filesystem::path& folder, const Interrupt* interrupt);
  CloneSet(CloneSet&& other) noexcept;
  CloneSet& operator=(CloneSet&&) = delete;
  ~CloneSet();

  const std::vector<Disk>& disks() const { return disks_; }
  // Exchanges the disk `serial` for a fresh clone of `image`; the others stay as the guest left
  // them.
  Result<void> Exchange(const ImageSet& images, const DiskRole& role, const Interrupt* interrupt);
  void Keep() { keep_ = true; }

 private:
  CloneSet() = default;
  Result<void> Add(const ImageSet& images, const DiskRole& role, const Interrupt* interrupt);

  std::filesystem::path folder_;
  std::vector<Disk> disks_;
  bool keep_ = false;
};

// Makes the host forget cached pages of the disks' files, so that an arm starts cold.
void EvictFromHostCache(const std::vector<Disk>& disks);

// Whether files in `folder` can be opened past the page cache.
bool SupportsDirectIo(const std::filesystem::path& folder);

// An error (kEnvironment) unless the file system of `folder` has room for what one arm may write.
Result<void> CheckFreeSpace(const std::filesystem::path& folder, const Experiment& experiment);

}  // namespace blendbench
