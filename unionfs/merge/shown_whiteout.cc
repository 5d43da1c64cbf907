// SPDX-License-Identifier: MIT
#include "unionfs/merge/shown_whiteout.h"

#include <sys/xattr.h>

namespace blendfs::merge {

Status MarkShownWhiteouts(State& state, Node& parent) {
  Directory& dir = *parent.dir;
  if (dir.shown_whiteouts.load(std::memory_order_acquire)) return {};
  const layer::Format& format = state.format();
  // For an overlayfs in blendfs's place: what is stacked on it looks for whiteouts of the xattr form then.
  const std::string for_overlayfs = format.ToDisk(format.Key(layer::kOpaque));
  auto marked = state.os.SetXattrFd(dir.upper_fd(), for_overlayfs.c_str(), "x", XATTR_CREATE);
  if (!marked && marked.error().code != EEXIST) return marked;
  BLENDFS_TRY(
      state.os.SetXattrFd(dir.upper_fd(), format.OwnKey(layer::kShownWhiteouts).c_str(), "y", 0));
  dir.shown_whiteouts.store(true, std::memory_order_release);
  return {};
}

Status MakeShownWhiteout(State& state, BorrowedFd dir, const char* name, mode_t mode,
                         const sys::Creator& creator) {
  const layer::Format& format = state.format();
  BLENDFS_TRY(state.os.MakeNode(dir, name, S_IFREG | (mode & 07777), 0, creator));
  const std::string for_overlayfs = format.ToDisk(format.Key(layer::kWhiteout));
  BLENDFS_TRY(state.os.SetXattr(dir, name, for_overlayfs.c_str(), "y", 0));
  return state.os.SetXattr(dir, name, format.OwnKey(layer::kShownWhiteout).c_str(), "y", 0);
}

}  // namespace blendfs::merge
