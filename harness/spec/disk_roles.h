// SPDX-License-Identifier: MIT
// Which images an arm's guests have, behind which disks. Pure. Thread-safety: values.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/spec/experiment.h"
#include "harness/spec/host_case.h"

namespace blendbench {

struct DiskRole {
  std::string serial;
  std::string image;  // name in the manifest
  bool read_only = false;
  std::string overlay = "";  // likewise: a qcow2 file of the user's changes over the image
  int slice = -1;            // which part of an image of several; -1: all of it
  bool exported = false;     // merged on the host, not attached
  bool per_user = false;     // the image is one user's, and not shared with others
  bool copied = false;  // the guest gets a whole copy of the image, as a user has who shares none

  bool operator==(const DiskRole&) const = default;
};

// In the order they are attached. `next_system`: with the newer system image in place of the system image.
std::vector<DiskRole> DiskRoles(const Arm& arm, bool next_system);

// Whether an arm has a system image that an operator could exchange under its users. What is merged into
// one image has none.
bool HasSystemToExchange(const Arm& arm);

// Names in the manifest of all that the guests of an experiment, or the cases of one on the host, need; kernel and
// initramfs among them.
std::set<std::string> ImagesOf(const Experiment& experiment);
// What a case on the host needs; most need none.
std::vector<std::string> ImagesOf(const HostCase& host_case);

}  // namespace blendbench
