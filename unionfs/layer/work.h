// SPDX-License-Identifier: MIT
// The work directory beside an upper layer, laid out as overlayfs does: work/ for temporaries,
// which is emptied at every mount, and index/ for the hard links of copied-up files, which stays.
// The stack opens it; inspect/ empties work/ as a mount does. Thread-safety: used by one thread, before the mount.
#pragma once

#include <string>

#include "unionfs/layer/format.h"

namespace blendfs::layer {

struct Work {
  UniqueFd work;   // real directory descriptor of work/
  UniqueFd index;  // of index/
  bool has_tmpfile = false;
  bool has_rename_whiteout = false;
};

struct WorkConfig {
  std::string path;   // of the work directory, for messages
  std::string upper;  // of the upper, for messages
  bool userxattr = false;
  bool volatile_upper = false;
};

// Prepares `base`, the (locked) work directory: refuses what an unfinished volatile mount left,
// makes the two directories, removes what an interrupted operation left, probes what the file
// system can and marks a volatile mount. On failure `problem` receives one line with the remedy.
Result<Work> OpenWork(sys::Calls& os, const Format& format, BorrowedFd base,
                      const WorkConfig& config, std::string* problem);

// Removes everything in `dir`, whatever it is; never follows a symlink, never leaves the file
// system, and needs neither stack nor descriptors in proportion to the depth of the tree: a
// directory inside a directory is first moved up, under a name starting with '#', and so gets its
// turn. On failure `culprit` receives the name that could not be removed.
Status RemoveAll(sys::Calls& os, BorrowedFd dir, std::string* culprit);

}  // namespace blendfs::layer
