// SPDX-License-Identifier: MIT
// Several guests of one arm at once, each a user of its own on the same images: what they hold in the host's page cache,
// in memory of their own and on the disk, and whether one sees what another writes.
//
// Sample::metrics: memory.cache_mib (pages of the disks' files in the host's cache), memory.guests_mib (of QEMU's
// processes, what several share counted in parts), storage.on_disk_mib (of the disks' files, each once), all in 2^20 bytes.
// Sample::promises: isolation. Sample::raw: storage, guests. Thread-safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/progress.h"
#include "harness/base/sample.h"
#include "harness/guest/guest.h"
#include "harness/measure/arm.h"
#include "harness/measure/clones.h"

namespace blendbench {

// The disks of a user who shares no image of his own with others: a monolithic one is copied whole for each.
std::vector<DiskRole> CrowdRoles(const Arm& arm);

// Bytes of such copies that the arm with most of them makes at once; 0 of an experiment that is no crowd.
uint64_t CrowdCopies(const Experiment& experiment, const ImageSet& images);

class Crowd {
 public:
  // All references outlive the object; `clones` are those of each guest. `sample` is filled in.
  Crowd(const ArmSettings& settings, const Arm& arm, std::vector<CloneSet>& clones,
        Progress& progress, const Interrupt* interrupt, Sample& sample);

  // From the first guest's start to the last one's end. `console` is the first one's log; the others' have its
  // name with their numbers.
  void Run(const std::string& console);

  const std::optional<Error>& host_error() const { return host_error_; }

 private:
  Outcome<void> Start(size_t number, const std::string& console);
  Outcome<void> Work(size_t number);
  Outcome<void> CheckIsolation();
  Outcome<void> Count();
  Outcome<void> PowerOff();

  const ArmSettings& settings_;
  const Arm& arm_;
  std::vector<CloneSet>& clones_;
  Progress& progress_;
  const Interrupt* interrupt_;
  Sample& sample_;
  std::vector<std::unique_ptr<Guest>> guests_;
  std::string phase_;
  size_t current_ = 0;  // the guest that is at work, for a failure
  std::optional<Error> host_error_;
};

// Bytes of a file that are in the page cache. 0 for a file that is not there.
Outcome<uint64_t> CachedBytes(const std::string& path);
// Of a process, in bytes: its pages, those that others map too divided by how many do ("Pss" of smaps_rollup).
Outcome<uint64_t> ProportionalBytes(pid_t pid);

}  // namespace blendbench
