// SPDX-License-Identifier: MIT
#include "unionfs/fuse/statistics.h"

namespace blendfs::fuse {
namespace {

constexpr std::array<std::string_view, static_cast<size_t>(Kind::kCount)> kNames = {
    "lookup",
    "forget",
    "getattr",
    "setattr",
    "statx",
    "readlink",
    "mknod",
    "mkdir",
    "unlink",
    "rmdir",
    "symlink",
    "rename",
    "link",
    "open",
    "create",
    "tmpfile",
    "read",
    "write",
    "release",
    "fsync",
    "fallocate",
    "lseek",
    "copy_file_range",
    "opendir",
    "readdir",
    "readdirplus",
    "fsyncdir",
    "statfs",
    "setxattr",
    "getxattr",
    "listxattr",
    "removexattr",
    "ioctl",
    "opens.cached",
    "opens.passthrough",
    "opens.direct"};
static_assert(!kNames.back().empty(), "every kind has a name");

std::string Line(std::string_view family, std::string_view name, uint64_t count) {
  return FigureLine(std::string(family).append(name), std::to_string(count));
}

}  // namespace

std::string_view Name(Kind kind) { return kNames[static_cast<size_t>(kind)]; }

std::string FigureLine(std::string_view name, std::string_view value) {
  return std::string(name).append(" ").append(value).append("\n");
}

std::string Statistics::Render() const {
  uint64_t requests = 0;
  std::string lines;
  for (size_t i = 0; i < kNames.size(); ++i) {
    const bool is_request = i < static_cast<size_t>(Kind::kOpenCached);
    const uint64_t count = counts_[i].load(std::memory_order_relaxed);
    if (is_request) requests += count;
    if (count != 0) lines += Line(is_request ? "requests." : "", kNames[i], count);
  }
  return Line("requests.", "total", requests) + lines +
         Line("", "read_bytes", read_bytes_.load(std::memory_order_relaxed)) +
         Line("", "written_bytes", written_bytes_.load(std::memory_order_relaxed));
}

}  // namespace blendfs::fuse
