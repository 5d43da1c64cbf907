// SPDX-License-Identifier: MIT
// The image that every arm gets a copy of: an ext4 with the lower layers of all cases of an experiment,
// and, for the engine "plain", what a union of them would show. Made once a run. For use inside
// RunIsolated alone.
//   lower/        the lower layer of most cases; the plain tree itself as well
//   layers/000... the layers of the cases layers*, the topmost first
//   merged-N/     the merge of the first N of them
// Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <vector>

#include "harness/guest/clock.h"
#include "harness/guest/fd.h"
#include "harness/spec/host_case.h"

namespace blendbench {

struct TemplateOrder {
  std::filesystem::path blendload;
  std::filesystem::path image;   // to be made
  std::filesystem::path target;  // an empty directory to mount it on meanwhile
  std::vector<HostCase> cases;
};

Outcome<void> MakeTemplate(const TemplateOrder& order, Deadline deadline);

// Sparse: only what is written takes space.
inline constexpr uint64_t kTemplateBytes = uint64_t{8} << 30;

// What a copy of it may grow to on the disk, at most, roughly: for the check of free space.
uint64_t ArmBytes(const std::vector<HostCase>& cases);

std::filesystem::path LayerPath(const std::filesystem::path& root, int layer);
std::filesystem::path MergedPath(const std::filesystem::path& root, int layers);

}  // namespace blendbench
