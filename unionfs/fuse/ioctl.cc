// SPDX-License-Identifier: MIT
// ioctl on files of the mount. The kernel forwards every one of them (systemd asks each file it reads whether
// it is a terminal), so the usual answer has to be quick: ENOTTY. Inode flags (lsattr, chattr) of regular
// files and directories are the one thing that is answered.
#include <linux/fs.h>

#include <cstring>

#include "unionfs/fuse/front.h"
#include "unionfs/fuse/reply.h"

namespace blendfs::fuse {
namespace {

// A value of the caller's, on its way out or in. The kernel declares FS_IOC_GETFLAGS and its like with the size
// of a long on the wire of the ioctl number and passes an int.
template <typename Value>
void Give(Reply& reply, const Result<Value>& value, size_t size) {
  if (!value) return reply.Fail(value.error());
  if (size < sizeof(Value)) return reply.Fail(ENOTTY);
  reply.Ioctl(&*value, sizeof(Value));
}

template <typename Value, typename Set>
void Take(Reply& reply, const void* in, size_t size, Set set) {
  Value value{};
  if (size < sizeof value) return reply.Fail(ENOTTY);
  memcpy(&value, in, sizeof value);
  auto status = set(value);
  if (!status) return reply.Fail(status.error());
  reply.Ioctl(nullptr, 0);
}

// The kernel does not take a change of flags for one of the change time.
Status Changed(Front& front, fuse_ino_t number, Status status) {
  if (status) front.drop_attributes(number);
  return status;
}

// The kernel has checked that the caller may. It asks for the extended flags before it sets either kind.
void Ioctl(fuse_req_t request, fuse_ino_t number, unsigned command, void*, fuse_file_info*,
           unsigned, const void* in, size_t in_size, size_t out_size) {
  Serve(request, Kind::kIoctl, [&](Front& front, Reply& reply) {
    switch (command) {
      case FS_IOC_GETFLAGS:
        return Give(reply, front.fs.GetFlags(front.NodeOf(number)), out_size);
      case FS_IOC_FSGETXATTR:
        return Give(reply, front.fs.GetExtendedFlags(front.NodeOf(number)), out_size);
      case FS_IOC_SETFLAGS:
        return Take<unsigned>(reply, in, in_size, [&](unsigned flags) {
          return Changed(front, number, front.fs.SetFlags(front.NodeOf(number), flags));
        });
      case FS_IOC_FSSETXATTR:
        return Take<sys::ExtendedFlags>(reply, in, in_size, [&](const sys::ExtendedFlags& flags) {
          return Changed(front, number, front.fs.SetExtendedFlags(front.NodeOf(number), flags));
        });
      default:
        reply.Fail(ENOTTY);
    }
  });
}

}  // namespace

void AddIoctlHandlers(fuse_lowlevel_ops& table) { table.ioctl = Ioctl; }

}  // namespace blendfs::fuse
