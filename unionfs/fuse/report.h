// SPDX-License-Identifier: MIT
// Where statistics go: a file that always holds the latest ones whole, or the log. The file is opened at
// the start, since its path may not lead to it later (the root changes under a root file system).
// Thread-safety: Write from any thread, one at a time.
#pragma once

#include <mutex>
#include <string>

#include "unionfs/base/result.h"
#include "unionfs/base/unique_fd.h"

namespace blendfs::fuse {

class ReportFile {
 public:
  Status Open(const std::string& path);
  void Write(const std::string& text);

 private:
  std::mutex mutex_;
  UniqueFd file_;
};

}  // namespace blendfs::fuse
