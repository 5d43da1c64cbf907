// SPDX-License-Identifier: MIT
// Requests for and changes of attributes, and of the file system's.
#include <algorithm>
#include <vector>

#include "unionfs/fuse/convert.h"
#include "unionfs/fuse/front.h"
#include "unionfs/fuse/reply.h"

namespace blendfs::fuse {

bool CallerIsIn(fuse_req_t request, gid_t group) {
  if (fuse_req_ctx(request)->gid == group) return true;
  std::vector<gid_t> groups(64);
  int count = fuse_req_getgroups(request, static_cast<int>(groups.size()), groups.data());
  if (count > static_cast<int>(groups.size())) {
    groups.resize(static_cast<size_t>(count));
    count = fuse_req_getgroups(request, count, groups.data());
  }
  if (count < 0) return false;
  auto end = groups.begin() + std::min<ptrdiff_t>(count, static_cast<ptrdiff_t>(groups.size()));
  return std::find(groups.begin(), end, group) != end;
}

Status ClearPrivileges(Front& front, fuse_req_t request, merge::OpenFile& file) {
  BLENDFS_ASSIGN(BorrowedFd data, file.data());
  BLENDFS_ASSIGN(sys::FileStat stat, front.os.StatFd(data));
  if ((stat.mode & (S_ISUID | S_ISGID)) == 0) return {};
  merge::AttrChange change;
  change.kill_suid_sgid = true;
  change.caller_is_in = GroupsOf(request);
  BLENDFS_TRY(front.fs.SetAttr(file.node(), change, &file));
  return {};
}

namespace {

void GetAttr(fuse_req_t request, fuse_ino_t number, fuse_file_info* info) {
  Serve(request, Kind::kGetAttr, [&](Front& front, Reply& reply) {
    merge::Node& node = front.NodeOf(number);
    auto attr = front.fs.GetAttr(node, node.IsRegular() ? FileOf(info) : nullptr);
    if (!attr) return reply.Fail(attr.error());
    reply.Attributes(front, node, *attr);
  });
}

// Whether a change of nothing is to be carried out, which clears suid and sgid. It has two senders. The
// kernel, before an unprivileged caller's write, also one to a backing file (and before a privileged one's
// where security.capability has to go, which keeps suid). And chown(2) to nobody, which only owner and root may
// use to that effect. Only a file that somebody has open for writing can be written to, which tells them
// apart. EPERM for a stranger.
Result<bool> IsChangeOfNothingDone(Front& front, fuse_req_t request, merge::Node& node) {
  if (!node.IsRegular()) return true;
  BLENDFS_ASSIGN(const merge::Attr attr, front.fs.GetAttr(node, nullptr));
  const uid_t caller = fuse_req_ctx(request)->uid;
  const bool has_sgid =
      (attr.mode & S_ISGID) != 0 &&
      ((attr.mode & S_IXGRP) != 0 || (caller != 0 && !CallerIsIn(request, attr.gid)));
  if ((attr.mode & S_ISUID) == 0 && !has_sgid) return true;
  const bool may_be_a_write = front.policy.IsOpenForWriting(node);
  if (caller == 0) return !may_be_a_write || !front.fs.GetXattr(node, "security.capability");
  if (caller == attr.uid || may_be_a_write) return true;
  return Fail(EPERM, "clear suid of another's file");
}

void SetAttr(fuse_req_t request, fuse_ino_t number, struct stat* wanted, int to_set,
             fuse_file_info* info) {
  Serve(request, Kind::kSetAttr, [&](Front& front, Reply& reply) {
    merge::Node& node = front.NodeOf(number);
    merge::OpenFile* file = node.IsRegular() ? FileOf(info) : nullptr;
    Result<bool> is_done = true;
    if (to_set == 0) is_done = IsChangeOfNothingDone(front, request, node);
    if (!is_done) return reply.Fail(is_done.error());
    merge::AttrChange change = ToChange(*wanted, to_set);
    // With a change of owner the kernel asks for this of everybody, else of those who may not keep them.
    const bool may_not_keep = change.kill_suid_sgid && !change.set_uid && !change.set_gid;
    if (may_not_keep || fuse_req_ctx(request)->uid != 0) change.caller_is_in = GroupsOf(request);
    auto attr = *is_done ? front.fs.SetAttr(node, change, file) : front.fs.GetAttr(node, file);
    if (!attr) return reply.Fail(attr.error());
    reply.Attributes(front, node, *attr);
  });
}

#if BLENDFS_HAVE_STATX
void Statx(fuse_req_t request, fuse_ino_t number, int, int, fuse_file_info* info) {
  Serve(request, Kind::kStatx, [&](Front& front, Reply& reply) {
    merge::Node& node = front.NodeOf(number);
    auto attr = front.fs.GetAttr(node, node.IsRegular() ? FileOf(info) : nullptr);
    if (!attr) return reply.Fail(attr.error());
    reply.ExtendedAttributes(front, node, *attr);
  });
}
#endif

void StatFs(fuse_req_t request, fuse_ino_t) {
  Serve(request, Kind::kStatFs, [&](Front& front, Reply& reply) {
    auto statistics = front.fs.StatFs();
    if (!statistics) return reply.Fail(statistics.error());
    reply.FileSystem(*statistics);
  });
}

}  // namespace

void AddAttributeHandlers(fuse_lowlevel_ops& table) {
  table.getattr = GetAttr;
  table.setattr = SetAttr;
  table.statfs = StatFs;
#if BLENDFS_HAVE_STATX
  table.statx = Statx;
#endif
  // access: absent on purpose. The kernel checks permissions itself (default_permissions) and stops asking
  // after the first ENOSYS.
}

}  // namespace blendfs::fuse
