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
#include "harness/spec/disk_roles.h"

namespace blendbench {

// Bytes that files take on the host's disk, holes left out.
struct Storage {
  uint64_t shared = 0;    // images that any number of users read
  uint64_t per_user = 0;  // this user's alone
};

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
  Storage OnDisk() const;

 private:
  CloneSet() = default;
  Result<void> Add(const ImageSet& images, const DiskRole& role, const Interrupt* interrupt);
  void Remove(size_t number) const;  // the files of a disk that are its own

  std::filesystem::path folder_;
  std::vector<Disk> disks_;
  std::vector<DiskRole> roles_;  // of each of them
  bool keep_ = false;
};

// Makes the host forget cached pages of the disks' files, so that an arm starts cold.
void EvictFromHostCache(const std::vector<Disk>& disks);

// Whether files in `folder` can be opened past the page cache.
bool SupportsDirectIo(const std::filesystem::path& folder);

// An error (kEnvironment) unless the file system of `folder` has room for what one arm may write, beside `copies`
// bytes of whole images that its guests get.
Result<void> CheckFreeSpace(const std::filesystem::path& folder, const Experiment& experiment,
                            uint64_t copies = 0);

}  // namespace blendbench
