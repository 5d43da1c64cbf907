// SPDX-License-Identifier: MIT
// What a mount tells of itself, and where that goes: a file that always holds the latest figures whole, or the log. The
// file is opened at the start, since its path may not lead to it later (the root changes under a root file system).
// Thread-safety: RenderFigures and Write from any thread.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "unionfs/base/result.h"
#include "unionfs/base/unique_fd.h"
#include "unionfs/fuse/statistics.h"
#include "unionfs/merge/union.h"

namespace blendfs::fuse {

// Of one mount at one moment.
struct Figures {
  std::chrono::seconds uptime{0};
  size_t open_files = 0;
  merge::Counters counters;
};

// "name value" lines: version, uptime_seconds, log_level, what Statistics::Render has, copy_ups.KIND, copied_bytes,
// lookup_misses, nodes, descriptors, open_files, and of every layer layer.N.hits, .role (upper or lower) and .path. At most
// 60,000 bytes, for it has to fit an extended attribute: the paths of the last of very many layers are left out.
// Control characters and backslashes of a path are written \xHH.
std::string RenderFigures(const Statistics& statistics, const Figures& figures);

class ReportFile {
 public:
  Status Open(const std::string& path);
  void Write(const std::string& text);

 private:
  std::mutex mutex_;
  UniqueFd file_;
};

}  // namespace blendfs::fuse
