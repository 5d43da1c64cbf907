// SPDX-License-Identifier: MIT
// Making and ending the mount itself. As root with mount(2) alone, so that nothing but the kernel is needed
// (an initramfs has no fusermount3, no mtab); otherwise through libfuse and fusermount3.
// Thread-safety: one thread, but for Unmount, which may be called from any.
// Errors: `problem` gets one line with the remedy.
#pragma once

#include <string>
#include <vector>

#include "unionfs/base/result.h"
#include "unionfs/base/unique_fd.h"

namespace blendfs::fuse {

struct MountConfig {
  std::string target;  // absolute
  std::string source = "blendfs";
  std::string subtype = "blendfs";
  unsigned long flags = 0;  // MS_*
  bool allow_other = false;
  std::vector<std::string> kernel_options;  // as they are: context=..., blksize is not used
};

// Mounts a new FUSE connection and returns its device. EPERM: the caller may not, fusermount3 might.
Result<UniqueFd> MountDirectly(const MountConfig& config, std::string* problem);

// The same as words for libfuse's own mounting ("-o", "a,b,c").
std::string WordsForLibfuse(const MountConfig& config);

// Takes the mount out of the namespace; requests for files still open go on being served.
Status Unmount(const MountConfig& config);

}  // namespace blendfs::fuse
