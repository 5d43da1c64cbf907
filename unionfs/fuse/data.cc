// SPDX-License-Identifier: MIT
// Data of open files as far as it passes through the daemon: reads and writes of cached and direct opens, and
// for every open: sync, space, holes and copies.
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "unionfs/fuse/front.h"
#include "unionfs/fuse/reply.h"

namespace blendfs::fuse {
namespace {

// A buffer that belongs to the thread and only grows, at most to the largest read the kernel sends.
char* ThreadBuffer(size_t size) {
  thread_local std::unique_ptr<char[]> buffer;
  thread_local size_t capacity = 0;
  if (size > capacity) {
    buffer.reset();
    capacity = 0;
    buffer = std::make_unique_for_overwrite<char[]>(size);
    capacity = size;
  }
  // The analyzer takes the buffer of a thread for one of this call.
  return buffer.get();  // NOLINT(clang-analyzer-cplusplus.NewDelete)
}

// Writes all of it; after an error, what was written before it counts.
Result<size_t> WriteFully(sys::Calls& os, BorrowedFd fd, const char* data, size_t size,
                          uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    auto put = os.Write(fd, data + done, size - done, offset + done);
    if (!put && done == 0) return put;
    if (!put || *put == 0) break;
    done += *put;
  }
  return done;
}

void Read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* info) {
  Serve(request, Kind::kRead, [&](Front& front, Reply& reply) {
    auto data = FileOf(info)->data();
    if (!data) return reply.Fail(data.error());
    char* buffer = ThreadBuffer(size);
    // The kernel takes a short answer for the end of the file.
    auto got = sys::ReadFully(front.os, *data, buffer, size, static_cast<uint64_t>(offset));
    if (!got) return reply.Fail(got.error());
    front.statistics.CountRead(*got);
    reply.Data(buffer, *got);
  });
}

void Write(fuse_req_t request, fuse_ino_t, const char* buffer, size_t size, off_t offset,
           fuse_file_info* info) {
  Serve(request, Kind::kWrite, [&](Front& front, Reply& reply) {
    merge::OpenFile& file = *FileOf(info);
    auto data = file.data();
    if (!data) return reply.Fail(data.error());
    if (MustKillSuidSgid(*info)) {
      if (auto cleared = ClearPrivileges(front, request, file); !cleared)
        return reply.Fail(cleared.error());
    }
    auto put = WriteFully(front.os, *data, buffer, size, static_cast<uint64_t>(offset));
    if (!put) return reply.Fail(put.error());
    front.statistics.CountWritten(*put);
    // After a write through the page cache the kernel asks for it by itself; after one past it, it does not.
    if ((info->flags & O_DSYNC) != 0) {
      auto synced = front.fs.SyncFile(file, (info->flags & O_SYNC) != O_SYNC);
      if (!synced) return reply.Fail(synced.error());
    }
    reply.Written(*put);
  });
}

void Sync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* info) {
  Serve(request, Kind::kSync, [&](Front& front, Reply& reply) {
    reply.Done(front.fs.SyncFile(*FileOf(info), data_only != 0));
  });
}

// Like a write, fallocate and copy_file_range take suid and sgid away from an unprivileged
// caller's file; the protocol has no flag for them, so every caller but root counts as such.
Status ClearPrivilegesUnlessRoot(Front& front, fuse_req_t request, merge::OpenFile& file) {
  if (fuse_req_ctx(request)->uid == 0) return {};
  return ClearPrivileges(front, request, file);
}

void Allocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
              fuse_file_info* info) {
  Serve(request, Kind::kAllocate, [&](Front& front, Reply& reply) {
    merge::OpenFile& file = *FileOf(info);
    auto data = file.data();
    if (!data) return reply.Fail(data.error());
    if (auto cleared = ClearPrivilegesUnlessRoot(front, request, file); !cleared) {
      return reply.Fail(cleared.error());
    }
    reply.Done(front.os.Allocate(*data, mode, static_cast<uint64_t>(offset),
                                 static_cast<uint64_t>(length)));
  });
}

void Seek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* info) {
  Serve(request, Kind::kSeek, [&](Front& front, Reply& reply) {
    auto data = FileOf(info)->data();
    if (!data) return reply.Fail(data.error());
    auto found = front.os.Seek(*data, offset, whence);
    if (!found) return reply.Fail(found.error());
    reply.Offset(*found);
  });
}

void CopyRange(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from_info,
               fuse_ino_t, off_t to_offset, fuse_file_info* to_info, size_t size, int) {
  Serve(request, Kind::kCopyRange, [&](Front& front, Reply& reply) {
    merge::OpenFile& to_file = *FileOf(to_info);
    auto from = FileOf(from_info)->data();
    auto to = to_file.data();
    if (!from) return reply.Fail(from.error());
    if (!to) return reply.Fail(to.error());
    if (auto cleared = ClearPrivilegesUnlessRoot(front, request, to_file); !cleared) {
      return reply.Fail(cleared.error());
    }
    // One request at a time stays bounded, and the caller interruptible.
    size = std::min<size_t>(size, size_t{128} << 20);
    auto copied = front.os.CopyRange(*from, static_cast<uint64_t>(from_offset), *to,
                                     static_cast<uint64_t>(to_offset), size);
    // The kernel copies by itself after EXDEV. ENOSYS would stop it from asking again for any pair of files.
    if (!copied && (copied.error().code == ENOSYS || copied.error().code == EOPNOTSUPP))
      return reply.Fail(EXDEV);
    if (!copied) return reply.Fail(copied.error());
    reply.Written(*copied);
  });
}

}  // namespace

void AddDataHandlers(fuse_lowlevel_ops& table) {
  table.read = Read;
  table.write = Write;
  table.fsync = Sync;
  table.fallocate = Allocate;
  table.lseek = Seek;
  table.copy_file_range = CopyRange;
  // getlk, setlk, flock: absent on purpose, the kernel keeps the locks of a mount that no other machine shares.
  // bmap, poll: absent, the kernel answers them itself after the first ENOSYS.
}

}  // namespace blendfs::fuse
