// SPDX-License-Identifier: MIT
// Reading and changing attributes.
#include <fcntl.h>

#include <optional>

#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/lookup.h"
#include "unionfs/merge/object.h"

namespace blendfs::merge {

namespace {

constexpr char kCapability[] = "security.capability";

// Whether a change by the caller takes sgid away (setattr_should_drop_sgid of the kernel).
bool MustDropSgid(const sys::FileStat& stat, const IsInGroup& caller_is_in) {
  if ((stat.mode & S_ISGID) == 0) return false;
  if ((stat.mode & S_IXGRP) != 0) return true;
  return caller_is_in && !caller_is_in(stat.gid);
}

// What the layer leaves when its owner is changed by us, who are privileged.
Status DropSgidOnChown(State& state, const Place& place, const Object& object,
                       const IsInGroup& caller_is_in) {
  if (!caller_is_in) return {};
  BLENDFS_ASSIGN(const sys::FileStat stat, StatPlace(state, place));
  if (stat.IsDir() || !MustDropSgid(stat, caller_is_in)) return {};
  return object.Chmod(stat.mode & 07777 & ~static_cast<mode_t>(S_ISGID));
}

// As the kernel does on a write or truncate by somebody without the capabilities for it.
Status KillPrivileges(State& state, const Place& place, const Object& object,
                      const IsInGroup& caller_is_in) {
  BLENDFS_ASSIGN(const sys::FileStat stat, StatPlace(state, place));
  mode_t mode = stat.mode & 07777;
  mode &= ~static_cast<mode_t>(S_ISUID);
  if (MustDropSgid(stat, caller_is_in)) mode &= ~static_cast<mode_t>(S_ISGID);
  if (mode != (stat.mode & 07777)) BLENDFS_TRY(object.Chmod(mode));
  auto removed = object.RemoveXattr(kCapability);
  if (!removed && removed.error().code != ENODATA && removed.error().code != EOPNOTSUPP) {
    return removed;
  }
  return {};
}

bool IsOfNothing(const AttrChange& change) {
  return !(change.set_mode || change.set_uid || change.set_gid || change.set_size ||
           change.set_atime || change.set_mtime || change.kill_suid_sgid);
}

// chown(2) takes suid, sgid and security.capability away, truncate(2) the latter. But a file of root's that
// never had a name may be one that a stacked overlayfs is building: it sets mode and attributes first and size
// and owner last, and its copy must keep them. (Only root can change the owner of such a file.)
class KeptPrivileges {
 public:
  static Result<std::optional<KeptPrivileges>> For(State& state, Node& node,
                                                   const AttrChange& change, const Place& place) {
    const bool chown = (change.set_uid || change.set_gid) && !change.set_size;
    const bool truncate = change.set_size && !change.kill_suid_sgid;
    if (!(chown || truncate) || !node.IsRegular() || !node.unlinked.load(std::memory_order_acquire))
      return std::nullopt;
    if (!CurrentLocation(state, node).name.empty()) return std::nullopt;  // it had one
    BLENDFS_ASSIGN(const sys::FileStat stat, StatPlace(state, place));
    if (stat.uid != 0 || stat.nlink != 0) return std::nullopt;
    return KeptPrivileges{stat.mode & 07777, Object(state, place).GetXattr(kCapability)};
  }
  Status PutBack(const Object& object) const {
    if ((mode & (S_ISUID | S_ISGID)) != 0) BLENDFS_TRY(object.Chmod(mode));
    return capability ? object.SetXattr(kCapability, *capability, 0) : Status();
  }

  mode_t mode;
  Result<std::string> capability;
};

Status ChangeOwner(const AttrChange& change, const Object& object) {
  return object.Chown(change.set_uid ? change.uid : static_cast<uid_t>(-1),
                      change.set_gid ? change.gid : static_cast<gid_t>(-1));
}

Status SetSize(State& state, const AttrChange& change, const Object& object, BorrowedFd open) {
  if (open) return state.os.Truncate(open, change.size);
  BLENDFS_ASSIGN(const UniqueFd fd, object.Open(O_WRONLY));
  return state.os.Truncate(fd.borrow(), change.size);
}

timespec TimeOf(bool set, bool now, const timespec& value) {
  if (!set) return {0, UTIME_OMIT};
  return now ? timespec{0, UTIME_NOW} : value;
}

}  // namespace

Result<Attr> Union::GetAttr(Node& node, OpenFile* /*file*/) {
  State& state = *state_;
  const Steady steady(node);
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  BLENDFS_ASSIGN(const sys::FileStat stat, StatPlace(state, place));
  return ToAttr(state, node, stat);
}

Result<Attr> Union::SetAttr(Node& node, const AttrChange& change, OpenFile* file) {
  State& state = *state_;
  CopyDepth depth = CopyDepth::kMetadata;
  if (change.set_size) depth = change.size == 0 ? CopyDepth::kEmpty : CopyDepth::kData;
  BLENDFS_TRY(CopyUp(state, node, depth));
  BorrowedFd open;  // asked for before the lock, which it may need itself
  if (change.set_size && file != nullptr && (file->flags() & O_ACCMODE) != O_RDONLY) {
    BLENDFS_ASSIGN(open, file->data());
  }
  const Steady steady(node);
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  const Object object(state, place);

  BLENDFS_ASSIGN(const auto kept, KeptPrivileges::For(state, node, change, place));
  // A change of nothing is chown(-1, -1), or the kernel's own before a write by somebody who may not keep
  // suid and sgid: both take these bits away and move the change time, as the layer's own chown does.
  if (change.set_uid || change.set_gid || IsOfNothing(change)) {
    BLENDFS_TRY(DropSgidOnChown(state, place, object, change.caller_is_in));
    BLENDFS_TRY(ChangeOwner(change, object));
  }
  if (change.set_mode) BLENDFS_TRY(object.Chmod(change.mode & 07777));
  // Before the size: a file that somebody else has changed must not keep them, whatever fails next.
  if (change.kill_suid_sgid && !node.IsDir() && !kept)
    BLENDFS_TRY(KillPrivileges(state, place, object, change.caller_is_in));
  if (change.set_size) BLENDFS_TRY(SetSize(state, change, object, open));
  if (kept) BLENDFS_TRY(kept->PutBack(object));
  if (change.set_atime || change.set_mtime) {
    const timespec times[2] = {TimeOf(change.set_atime, change.atime_now, change.atime),
                               TimeOf(change.set_mtime, change.mtime_now, change.mtime)};
    BLENDFS_TRY(object.SetTimes(times));
  }
  BLENDFS_ASSIGN(const sys::FileStat stat, StatPlace(state, place));
  return ToAttr(state, node, stat);
}

Result<std::string> Union::ReadLink(Node& node) {
  const Steady steady(node);
  BLENDFS_ASSIGN(const Place place, AttributePlace(*state_, node));
  return Object(*state_, place).ReadLink();
}

}  // namespace blendfs::merge
