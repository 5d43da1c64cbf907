// SPDX-License-Identifier: MIT
// Extended attributes, POSIX ACLs among them.
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "unionfs/fuse/convert.h"
#include "unionfs/fuse/front.h"
#include "unionfs/fuse/reply.h"

namespace blendfs::fuse {
namespace {

// Answers as getxattr(2) and listxattr(2) do: the size when asked with size 0, ERANGE when it does not fit.
void AnswerValue(Reply& reply, const Result<std::string>& value, size_t size) {
  if (!value) return reply.Fail(value.error());
  if (size == 0) return reply.XattrSize(value->size());
  if (value->size() > size) return reply.Fail(ERANGE);
  reply.Data(value->data(), value->size());
}

bool IsControl(const Front& front, fuse_ino_t number, const char* key) {
  return number == FUSE_ROOT_ID && front.control.Has(key);
}

void GetXattr(fuse_req_t request, fuse_ino_t number, const char* key, size_t size) {
  Serve(request, Kind::kGetXattr, [&](Front& front, Reply& reply) {
    if (IsControl(front, number, key)) {
      return AnswerValue(reply, front.control.Get(key, fuse_req_ctx(request)->uid), size);
    }
    AnswerValue(reply, front.fs.GetXattr(front.NodeOf(number), key), size);
  });
}

// The names without those that only the privileged may see.
std::string WithoutTrusted(const std::string& names) {
  std::string shown;
  for (size_t at = 0; at < names.size();) {
    const std::string_view name = names.c_str() + at;
    at += name.size() + 1;
    if (!name.starts_with("trusted.")) shown.append(name).push_back('\0');
  }
  return shown;
}

void ListXattr(fuse_req_t request, fuse_ino_t number, size_t size) {
  Serve(request, Kind::kListXattr, [&](Front& front, Reply& reply) {
    auto names = front.fs.ListXattr(front.NodeOf(number));
    if (names && fuse_req_ctx(request)->uid != 0) names = WithoutTrusted(*names);
    AnswerValue(reply, names, size);
  });
}

// Whether setting an access ACL must take sgid away: the caller is neither privileged nor in the file's
// group. The protocol has a flag for this, which libfuse does not hand on.
bool MustKillSgid(Front& front, fuse_req_t request, merge::Node& node, std::string_view key) {
  if (key != "system.posix_acl_access" || fuse_req_ctx(request)->uid == 0) return false;
  auto attr = front.fs.GetAttr(node, nullptr);
  return attr && (attr->mode & S_ISGID) != 0 && !CallerIsIn(request, attr->gid);
}

void SetXattr(fuse_req_t request, fuse_ino_t number, const char* key, const char* value,
              size_t size, int flags) {
  Serve(request, Kind::kSetXattr, [&](Front& front, Reply& reply) {
    const std::string_view text(value, size);
    if (IsControl(front, number, key)) {
      return reply.Done(front.control.Set(key, text, fuse_req_ctx(request)->uid));
    }
    merge::Node& node = front.NodeOf(number);
    reply.Done(front.fs.SetXattr(node, key, text, flags, MustKillSgid(front, request, node, key)));
  });
}

void RemoveXattr(fuse_req_t request, fuse_ino_t number, const char* key) {
  Serve(request, Kind::kRemoveXattr, [&](Front& front, Reply& reply) {
    if (IsControl(front, number, key)) return reply.Fail(EACCES);
    reply.Done(front.fs.RemoveXattr(front.NodeOf(number), key));
  });
}

}  // namespace

void AddXattrHandlers(fuse_lowlevel_ops& table) {
  table.getxattr = GetXattr;
  table.setxattr = SetXattr;
  table.listxattr = ListXattr;
  table.removexattr = RemoveXattr;
}

}  // namespace blendfs::fuse
