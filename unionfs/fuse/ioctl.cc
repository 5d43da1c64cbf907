// SPDX-License-Identifier: MIT
// ioctl on files of the mount. The kernel forwards every one of them (systemd asks each file it reads whether
// it is a terminal), so the usual answer has to be quick: ENOTTY. Inode flags (lsattr, chattr) of regular
// files are the one thing that is answered.
#include <fcntl.h>
#include <linux/fs.h>

#include <cstring>

#include "unionfs/fuse/front.h"
#include "unionfs/fuse/reply.h"

namespace blendfs::fuse {
namespace {

void GetFlags(Front& front, Reply& reply, merge::OpenFile& file) {
  auto data = file.data();
  if (!data) return reply.Fail(data.error());
  auto flags = front.os.GetFlags(*data);
  if (!flags) return reply.Fail(flags.error());
  unsigned value = *flags;
  reply.Ioctl(&value, sizeof value);
}

// The kernel has checked that the caller may. The flags are the upper file's: copied up first.
Status SetFlags(Front& front, merge::OpenFile& file, unsigned flags) {
  if (!file.on_upper()) {
    BLENDFS_ASSIGN(auto writable, front.fs.OpenAt(file.node(), O_WRONLY, false));
  }
  BLENDFS_ASSIGN(BorrowedFd data, file.data());
  return front.os.SetFlags(data, flags);
}

void Ioctl(fuse_req_t request, fuse_ino_t number, unsigned command, void*, fuse_file_info* info,
           unsigned, const void* in, size_t in_size, size_t out_size) {
  Serve(request, Kind::kIoctl, [&](Front& front, Reply& reply) {
    if (command != FS_IOC_GETFLAGS && command != FS_IOC_SETFLAGS) return reply.Fail(ENOTTY);
    if (!front.NodeOf(number).IsRegular() || FileOf(info) == nullptr) return reply.Fail(ENOTTY);
    // The kernel declares these with the size of a long on the wire of the ioctl number and passes an int.
    if (command == FS_IOC_GETFLAGS && out_size >= sizeof(unsigned))
      return GetFlags(front, reply, *FileOf(info));
    if (command == FS_IOC_SETFLAGS && in_size >= sizeof(unsigned)) {
      unsigned flags = 0;
      memcpy(&flags, in, sizeof flags);
      auto status = SetFlags(front, *FileOf(info), flags);
      if (!status) return reply.Fail(status.error());
      return reply.Ioctl(nullptr, 0);
    }
    reply.Fail(ENOTTY);
  });
}

}  // namespace

void AddIoctlHandlers(fuse_lowlevel_ops& table) { table.ioctl = Ioctl; }

}  // namespace blendfs::fuse
