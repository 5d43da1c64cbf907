// SPDX-License-Identifier: MIT
#include "unionfs/sys/read_ahead.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <string>

#include "unionfs/base/unique_fd.h"

namespace blendfs::sys {
namespace {

constexpr const char* kDoing = "look up or set read_ahead_kb";

Result<UniqueFd> OpenSetting(dev_t device, int flags) {
  // A partition has none of its own: its disk's counts.
  for (const char* form :
       {"/sys/class/bdi/%u:%u/read_ahead_kb", "/sys/dev/block/%u:%u/../bdi/read_ahead_kb"}) {
    char path[64];
    snprintf(path, sizeof path, form, major(device), minor(device));
    UniqueFd fd(open(path, flags | O_CLOEXEC));
    if (fd) return fd;
    if (errno != ENOENT) return FailErrno(kDoing);
  }
  return Fail(ENOENT, kDoing);
}

}  // namespace

Result<unsigned> ReadAhead(dev_t device) {
  BLENDFS_ASSIGN(const UniqueFd fd, OpenSetting(device, O_RDONLY));
  char text[32];
  const ssize_t size = read(fd.get(), text, sizeof text);
  if (size < 0) return FailErrno(kDoing);
  unsigned kib = 0;
  if (std::from_chars(text, text + size, kib).ec != std::errc()) return Fail(EINVAL, kDoing);
  return kib;
}

Status SetReadAhead(dev_t device, unsigned kib) {
  BLENDFS_ASSIGN(const UniqueFd fd, OpenSetting(device, O_WRONLY));
  const std::string text = std::to_string(kib);
  if (write(fd.get(), text.data(), text.size()) < 0) return FailErrno(kDoing);
  return {};
}

Result<dev_t> MountedOn(const char* path) {
  struct statx info {};
  if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &info) != 0)
    return FailErrno("stat");
  return makedev(info.stx_dev_major, info.stx_dev_minor);
}

}  // namespace blendfs::sys
