// SPDX-License-Identifier: MIT
// Extended attributes: overlayfs's own are hidden, a nested overlay's are escaped.
#include <fcntl.h>

#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/object.h"

namespace blendfs::merge {

namespace {

bool IsAcl(std::string_view key) { return key.starts_with("system.posix_acl_"); }

}  // namespace

Result<std::string> Union::GetXattr(Node& node, std::string_view key) {
  const std::string disk_key = state_->format().ToDisk(key);
  const Steady steady(node);
  BLENDFS_ASSIGN(const Place place, AttributePlace(*state_, node));
  return Object(*state_, place).GetXattr(disk_key);
}

Status Union::SetXattr(Node& node, std::string_view key, std::string_view value, int flags,
                       bool kill_sgid) {
  BLENDFS_TRY(CopyUp(*state_, node, CopyDepth::kMetadata));
  const std::string disk_key = state_->format().ToDisk(key);
  const Steady steady(node);
  BLENDFS_ASSIGN(const Place place, AttributePlace(*state_, node));
  const Object object(*state_, place);
  BLENDFS_TRY(object.SetXattr(disk_key, value, flags));
  if (!kill_sgid) return {};
  BLENDFS_ASSIGN(const sys::FileStat stat, StatPlace(*state_, place));
  if ((stat.mode & S_ISGID) == 0) return {};
  return object.Chmod(stat.mode & 07777 & ~static_cast<mode_t>(S_ISGID));
}

Status Union::RemoveXattr(Node& node, std::string_view key) {
  // Asked first: removing what is not there must not copy the file up.
  auto present = GetXattr(node, key);
  // Taking away an ACL that is not there succeeds on Linux.
  if (!present && present.error().code == ENODATA && IsAcl(key)) return {};
  if (!present) return tl::unexpected(present.error());
  BLENDFS_TRY(CopyUp(*state_, node, CopyDepth::kMetadata));
  const std::string disk_key = state_->format().ToDisk(key);
  const Steady steady(node);
  BLENDFS_ASSIGN(const Place place, AttributePlace(*state_, node));
  return Object(*state_, place).RemoveXattr(disk_key);
}

Result<std::string> Union::ListXattr(Node& node) {
  const Steady steady(node);
  BLENDFS_ASSIGN(const Place place, AttributePlace(*state_, node));
  auto keys = Object(*state_, place).ListXattr();
  if (!keys) return tl::unexpected(keys.error());
  std::string names;
  for (const std::string& key : *keys) {
    if (auto visible = state_->format().ToUser(key)) {
      names += *visible;
      names += '\0';
    }
  }
  return names;
}

}  // namespace blendfs::merge
