// SPDX-License-Identifier: MIT
#include "unionfs/fuse/reply.h"

#include <string>

#include "unionfs/fuse/convert.h"

namespace blendfs::fuse {

fuse_entry_param Front::ToEntry(const merge::Entry& entry) const {
  fuse_entry_param result{};
  result.ino = NumberOf(*entry.node);
  result.generation = entry.generation;
  result.attr = ToStat(entry.attr);
  result.attr_timeout = AttributesSeconds(*entry.node);
  result.entry_timeout = kForeverSeconds;
  return result;
}

void LogRequest(fuse_req_t request, Kind kind) {
  const fuse_ctx* caller = fuse_req_ctx(request);
  Log(LogLevel::kDebug, std::string(Name(kind)) + " for process " + std::to_string(caller->pid) +
                            " of user " + std::to_string(caller->uid));
}

void Reply::Fail(int code) {
  if (request_ == nullptr) return;
  // The kernel takes 1..511 only; anything else is a bug here and must not look like success.
  if (code < 0 || code >= 512) code = EIO;
  // A directory below that is gone and can't be opened again (merge/held_fd.h): no descriptor of the caller's.
  if (code == EBADF) code = merge::FdKeeper::LostBecause();
  fuse_reply_err(Take(), code);
}

void Reply::None() { fuse_reply_none(Take()); }

void Reply::Entry(Front& front, const merge::Entry& entry) {
  fuse_entry_param param = front.ToEntry(entry);
  if (fuse_reply_entry(Take(), &param) != 0) front.fs.Forget(*entry.node, 1);
}

void Reply::NoEntry() {
  fuse_entry_param param{};
  param.entry_timeout = kForeverSeconds;
  fuse_reply_entry(Take(), &param);
}

void Reply::Attributes(Front&, const merge::Node& node, const merge::Attr& attr) {
  struct stat result = ToStat(attr);
  fuse_reply_attr(Take(), &result, AttributesSeconds(node));
}

void Reply::ExtendedAttributes([[maybe_unused]] Front& front,
                               [[maybe_unused]] const merge::Node& node,
                               [[maybe_unused]] const merge::Attr& attr) {
#if BLENDFS_HAVE_STATX
  struct statx result = ToStatx(attr);
  fuse_reply_statx(Take(), 0, &result, AttributesSeconds(node));
#else
  Fail(ENOSYS);
#endif
}

void Reply::Target(const std::string& target) { fuse_reply_readlink(Take(), target.c_str()); }

bool Reply::Data(const void* data, size_t size) {
  return fuse_reply_buf(Take(), static_cast<const char*>(data), size) == 0;
}

void Reply::Written(size_t size) { fuse_reply_write(Take(), size); }

void Reply::Offset(uint64_t offset) { fuse_reply_lseek(Take(), static_cast<off_t>(offset)); }

void Reply::FileSystem(const struct statvfs& statistics) { fuse_reply_statfs(Take(), &statistics); }

void Reply::XattrSize(size_t size) { fuse_reply_xattr(Take(), size); }

void Reply::Ioctl(const void* data, size_t size) { fuse_reply_ioctl(Take(), 0, data, size); }

bool Reply::Opened(const fuse_file_info& file) { return fuse_reply_open(Take(), &file) == 0; }

bool Reply::Created(Front& front, const merge::Entry& entry, const fuse_file_info& file) {
  fuse_entry_param param = front.ToEntry(entry);
  return fuse_reply_create(Take(), &param, &file) == 0;
}

}  // namespace blendfs::fuse
