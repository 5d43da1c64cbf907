// SPDX-License-Identifier: MIT
// libfuse, included once: its headers need FUSE_USE_VERSION (set by the build to what the library
// has), and the names below say what an older library lacks.
#pragma once

#include <fuse_lowlevel.h>

namespace blendfs::fuse {

#if FUSE_USE_VERSION >= 317
#define BLENDFS_HAVE_PASSTHROUGH 1
#define BLENDFS_HAVE_TMPFILE 1
#else
#define BLENDFS_HAVE_PASSTHROUGH 0
#define BLENDFS_HAVE_TMPFILE 0  // O_TMPFILE fails with EOPNOTSUPP
#endif

#if FUSE_USE_VERSION >= 318
#define BLENDFS_HAVE_STATX 1
#else
#define BLENDFS_HAVE_STATX 0
#endif

// Set when the caller of a write, truncating open or create may not keep suid and sgid.
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2
inline bool MustKillSuidSgid(const fuse_file_info& info) { return info.kill_suidgid != 0; }
#else
inline bool MustKillSuidSgid(const fuse_file_info&) { return false; }
#endif

#if FUSE_USE_VERSION >= 317
inline bool Offered(const fuse_conn_info& connection, uint64_t capability) {
  return (connection.capable_ext & capability) != 0;
}
inline void Want(fuse_conn_info& connection, uint64_t capability) {
  if (Offered(connection, capability)) fuse_set_feature_flag(&connection, capability);
}
inline void Unwant(fuse_conn_info& connection, uint64_t capability) {
  fuse_unset_feature_flag(&connection, capability);
}
#else
inline bool Offered(const fuse_conn_info& connection, uint64_t capability) {
  return (connection.capable & capability) != 0;
}
inline void Want(fuse_conn_info& connection, uint64_t capability) {
  if (Offered(connection, capability)) connection.want |= static_cast<unsigned>(capability);
}
inline void Unwant(fuse_conn_info& connection, uint64_t capability) {
  connection.want &= ~static_cast<unsigned>(capability);
}
#endif

}  // namespace blendfs::fuse
