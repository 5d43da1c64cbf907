// SPDX-License-Identifier: MIT
#include "unionfs/fuse/negotiate.h"

#include <algorithm>

namespace blendfs::fuse {
namespace {

constexpr unsigned kMaxBackground = 64;

void WantMetadata(fuse_conn_info& connection) {
  // ACLs are evaluated by the kernel; the umask is left to the daemon, which lets the layer's file system
  // apply it, or a default ACL instead.
  Want(connection, FUSE_CAP_POSIX_ACL);
  Want(connection, FUSE_CAP_DONT_MASK);
  Want(connection, FUSE_CAP_PARALLEL_DIROPS);
  // Attributes along with a listing, at its start and where the reader turns out to look at them.
  Want(connection, FUSE_CAP_READDIRPLUS);
  Want(connection, FUSE_CAP_READDIRPLUS_AUTO);
  Want(connection, FUSE_CAP_CACHE_SYMLINKS);
}

bool WantKillPrivileges(fuse_conn_info& connection) {
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2
  Want(connection, FUSE_CAP_HANDLE_KILLPRIV_V2);
  return Offered(connection, FUSE_CAP_HANDLE_KILLPRIV_V2);
#else
  static_cast<void>(connection);
  return false;
#endif
}

void WantData(fuse_conn_info& connection) {
  // Clearing suid and sgid is ours, or every write asks the daemon for security.capability first. Where
  // that is not to be had the kernel does it, but not at an open that truncates by itself.
  if (WantKillPrivileges(connection)) {
    Want(connection, FUSE_CAP_ATOMIC_O_TRUNC);
  } else {
    Unwant(connection, FUSE_CAP_ATOMIC_O_TRUNC);
  }
  Want(connection, FUSE_CAP_ASYNC_READ);
  Want(connection, FUSE_CAP_ASYNC_DIO);
#ifdef FUSE_CAP_DIRECT_IO_ALLOW_MMAP
  Want(connection, FUSE_CAP_DIRECT_IO_ALLOW_MMAP);
#endif
  // Every change comes through this mount, so a new mtime is no reason to drop pages.
  Unwant(connection, FUSE_CAP_AUTO_INVAL_DATA);
  Want(connection, FUSE_CAP_EXPLICIT_INVAL_DATA);
  // The data path copies through a buffer; write-back caching would rule passthrough out, and leaves
  // times to the kernel.
  Unwant(connection, FUSE_CAP_SPLICE_READ);
  Unwant(connection, FUSE_CAP_SPLICE_WRITE);
  Unwant(connection, FUSE_CAP_SPLICE_MOVE);
  Unwant(connection, FUSE_CAP_WRITEBACK_CACHE);
  // Locks stay in the kernel.
  Unwant(connection, FUSE_CAP_POSIX_LOCKS);
  Unwant(connection, FUSE_CAP_FLOCK_LOCKS);

  connection.max_write = std::min(connection.max_write, kMaxWriteBytes);
  connection.max_background = kMaxBackground;
  connection.congestion_threshold = kMaxBackground * 3 / 4;
}

}  // namespace

Agreement Negotiate(fuse_conn_info& connection, [[maybe_unused]] bool want_passthrough) {
  Agreement agreement;
  WantMetadata(connection);
  WantData(connection);
#ifdef FUSE_CAP_NO_OPENDIR_SUPPORT
  agreement.kernel_opens_directories = Offered(connection, FUSE_CAP_NO_OPENDIR_SUPPORT);
#endif
#if BLENDFS_HAVE_PASSTHROUGH
  if (want_passthrough && Offered(connection, FUSE_CAP_PASSTHROUGH)) {
    Want(connection, FUSE_CAP_PASSTHROUGH);
    // The upper is on a plain file system; an overlayfs (a container's) may still be stacked on this mount.
    connection.max_backing_stack_depth = FUSE_BACKING_STACKED_UNDER;
    agreement.passthrough = true;
  }
  connection.no_interrupt = 1;  // no request here waits for anything that an interrupt could end
#endif
  return agreement;
}

}  // namespace blendfs::fuse
