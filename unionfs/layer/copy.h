// SPDX-License-Identifier: MIT
// Copies the bytes of one file to another down a ladder: clone, copy_file_range, read and write.
// Holes stay holes. Neither file's metadata is touched beyond what writing does.
// Thread-safety: yes, for distinct target files.
#pragma once

#include "unionfs/sys/calls.h"

namespace blendfs::layer {

// Copies [0, size) of `from`; `to` is empty and open for writing. On failure `to` is undefined.
// Stops quietly at the end of `from` if that is shorter than it was. Errors: those of the calls
// (ENOSPC, EDQUOT, EIO...).
Status CopyData(sys::Calls& os, BorrowedFd from, BorrowedFd to, uint64_t size);

// Copies every extended attribute that a copy-up keeps (all but overlayfs's own; security.capability
// and ACLs included) from one object to another; names are those on disk.
Status CopyXattrs(sys::Calls& os, const class Format& format, BorrowedFd from_dir,
                  const char* from_name, BorrowedFd to_fd);

}  // namespace blendfs::layer
