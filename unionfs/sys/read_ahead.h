// SPDX-License-Identifier: MIT
// How far the kernel reads ahead in the files of a file system: an attribute of what is below it, found in sysfs
// (sysfs-class-bdi of the kernel's ABI documentation).
// Thread-safety: all of it. Errors: ENOENT where there is no such device in sysfs, or no sysfs; EACCES and EROFS where
// it may not be changed.
#pragma once

#include <sys/types.h>

#include "unionfs/base/result.h"

namespace blendfs::sys {

// KiB, of the file system on `device` (its st_dev).
Result<unsigned> ReadAhead(dev_t device);

Status SetReadAhead(dev_t device, unsigned kib);

// st_dev of what is mounted on a path, without asking that file system for anything.
Result<dev_t> MountedOn(const char* path);

}  // namespace blendfs::sys
