// SPDX-License-Identifier: MIT
#include "unionfs/fuse/convert.h"

#include <sys/sysmacros.h>

namespace blendfs::fuse {
namespace {

statx_timestamp ToStatxTime(const timespec& time) {
  statx_timestamp result{};
  result.tv_sec = time.tv_sec;
  result.tv_nsec = static_cast<uint32_t>(time.tv_nsec);
  return result;
}

}  // namespace

struct stat ToStat(const merge::Attr& attr) {
  struct stat result {};
  result.st_ino = attr.ino;
  result.st_mode = attr.mode;
  result.st_nlink = attr.nlink;
  result.st_uid = attr.uid;
  result.st_gid = attr.gid;
  result.st_rdev = attr.rdev;
  result.st_size = static_cast<off_t>(attr.size);
  result.st_blksize = static_cast<blksize_t>(attr.blksize);
  result.st_blocks = static_cast<blkcnt_t>(attr.blocks);
  result.st_atim = attr.atime;
  result.st_mtim = attr.mtime;
  result.st_ctim = attr.ctime;
  return result;
}

struct statx ToStatx(const merge::Attr& attr) {
  struct statx result {};
  result.stx_mask = STATX_BASIC_STATS;
  if (attr.btime.tv_sec != 0 || attr.btime.tv_nsec != 0) result.stx_mask |= STATX_BTIME;
  result.stx_blksize = attr.blksize;
  result.stx_attributes = attr.attributes;
  result.stx_nlink = attr.nlink;
  result.stx_uid = attr.uid;
  result.stx_gid = attr.gid;
  result.stx_mode = static_cast<uint16_t>(attr.mode);
  result.stx_ino = attr.ino;
  result.stx_size = attr.size;
  result.stx_blocks = attr.blocks;
  result.stx_atime = ToStatxTime(attr.atime);
  result.stx_btime = ToStatxTime(attr.btime);
  result.stx_ctime = ToStatxTime(attr.ctime);
  result.stx_mtime = ToStatxTime(attr.mtime);
  result.stx_rdev_major = major(attr.rdev);
  result.stx_rdev_minor = minor(attr.rdev);
  return result;
}

merge::AttrChange ToChange(const struct stat& wanted, int to_set) {
  merge::AttrChange change;
  change.set_mode = (to_set & FUSE_SET_ATTR_MODE) != 0;
  change.set_uid = (to_set & FUSE_SET_ATTR_UID) != 0;
  change.set_gid = (to_set & FUSE_SET_ATTR_GID) != 0;
  change.set_size = (to_set & FUSE_SET_ATTR_SIZE) != 0;
  change.set_atime = (to_set & FUSE_SET_ATTR_ATIME) != 0;
  change.set_mtime = (to_set & FUSE_SET_ATTR_MTIME) != 0;
  change.atime_now = (to_set & FUSE_SET_ATTR_ATIME_NOW) != 0;
  change.mtime_now = (to_set & FUSE_SET_ATTR_MTIME_NOW) != 0;
#ifdef FUSE_SET_ATTR_KILL_SUID
  change.kill_suid_sgid = (to_set & FUSE_SET_ATTR_KILL_SUID) != 0;
#else
  // The bit (FATTR_KILL_SUIDGID of the protocol) without a name of its own in older libraries.
  change.kill_suid_sgid = (to_set & (1 << 11)) != 0;
#endif
  change.mode = wanted.st_mode;
  change.uid = wanted.st_uid;
  change.gid = wanted.st_gid;
  change.size = static_cast<uint64_t>(wanted.st_size);
  change.atime = wanted.st_atim;
  change.mtime = wanted.st_mtim;
  return change;
}

merge::Caller ToCaller(fuse_req_t request) {
  const fuse_ctx* context = fuse_req_ctx(request);
  return {context->uid, context->gid, context->pid, context->umask};
}

}  // namespace blendfs::fuse
