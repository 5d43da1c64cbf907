// SPDX-License-Identifier: MIT
#include "unionfs/inspect/compare.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "unionfs/merge/files.h"

namespace blendfs::inspect {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

Result<bool> SameBytes(Side above, Side below) {
  sys::Calls& os = above.fs.state().os;
  BLENDFS_ASSIGN(const UniqueFd a, merge::OpenNodeData(above.fs.state(), above.node, O_RDONLY));
  BLENDFS_ASSIGN(const UniqueFd b, merge::OpenNodeData(below.fs.state(), below.node, O_RDONLY));
  BLENDFS_ASSIGN(const sys::FileStat stat_a, os.StatFd(a.borrow()));
  BLENDFS_ASSIGN(const sys::FileStat stat_b, os.StatFd(b.borrow()));
  // A metadata-only copy has the lower file's data.
  if (stat_a.dev == stat_b.dev && stat_a.ino == stat_b.ino) return true;
  if (stat_a.size != stat_b.size) return false;
  const auto buffer = std::make_unique_for_overwrite<char[]>(2 * kBufferBytes);
  char* const other = buffer.get() + kBufferBytes;
  for (uint64_t at = 0;;) {
    BLENDFS_ASSIGN(const size_t got,
                   sys::ReadFully(os, a.borrow(), buffer.get(), kBufferBytes, at));
    BLENDFS_ASSIGN(const size_t too, sys::ReadFully(os, b.borrow(), other, kBufferBytes, at));
    if (got != too || memcmp(buffer.get(), other, got) != 0) return false;
    if (got == 0) return true;
    at += got;
  }
}

Result<bool> SameContent(Side above, Side below, const merge::Attr& a, const merge::Attr& b) {
  if (S_ISREG(a.mode)) return SameBytes(above, below);
  if (S_ISCHR(a.mode) || S_ISBLK(a.mode)) return a.rdev == b.rdev;
  if (!S_ISLNK(a.mode)) return true;
  BLENDFS_ASSIGN(const std::string target, above.fs.ReadLink(above.node));
  BLENDFS_ASSIGN(const std::string other, below.fs.ReadLink(below.node));
  return target == other;
}

Result<bool> SameXattrs(Side above, Side below) {
  BLENDFS_ASSIGN(const std::vector<std::string> names, XattrNames(above.fs, above.node));
  BLENDFS_ASSIGN(const std::vector<std::string> others, XattrNames(below.fs, below.node));
  if (names != others) return false;
  for (const std::string& name : names) {
    BLENDFS_ASSIGN(const std::string value, above.fs.GetXattr(above.node, name));
    BLENDFS_ASSIGN(const std::string other, below.fs.GetXattr(below.node, name));
    if (value != other) return false;
  }
  return true;
}

bool SameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

Result<std::vector<std::string>> XattrNames(merge::Union& fs, merge::Node& node) {
  const auto list = fs.ListXattr(node);
  std::vector<std::string> names;
  if (!list) {
    if (list.error().code == EOPNOTSUPP) return names;
    return tl::unexpected(list.error());
  }
  for (size_t begin = 0; begin < list->size();) {
    const size_t end = std::min(list->find('\0', begin), list->size());
    names.push_back(list->substr(begin, end - begin));
    begin = end + 1;
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Difference> Compare(Side above, Side below) {
  Difference difference;
  BLENDFS_ASSIGN(const merge::Attr a, above.fs.GetAttr(above.node, nullptr));
  BLENDFS_ASSIGN(const merge::Attr b, below.fs.GetAttr(below.node, nullptr));
  difference.type = (a.mode & S_IFMT) != (b.mode & S_IFMT);
  if (difference.type) return difference;
  BLENDFS_ASSIGN(const bool same_content, SameContent(above, below, a, b));
  difference.content = !same_content;
  difference.metadata = a.mode != b.mode || a.uid != b.uid || a.gid != b.gid;
  if (!difference.metadata) {
    BLENDFS_ASSIGN(const bool same_xattrs, SameXattrs(above, below));
    difference.metadata = !same_xattrs;
  }
  difference.times = !above.node.IsDir() && !SameTime(a.mtime, b.mtime);
  return difference;
}

}  // namespace blendfs::inspect
