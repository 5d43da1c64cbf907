// SPDX-License-Identifier: MIT
#include "unionfs/fuse/request_cost.h"

#include <fcntl.h>
#include <linux/fuse.h>

#include <cstdint>
#include <cstring>
#include <optional>

namespace blendfs::fuse {
namespace {

constexpr uint32_t kMuchData = 32 * 1024;

std::optional<fuse_in_header> HeaderOf(std::span<const char> request) {
  fuse_in_header header;
  if (request.size() < sizeof header) return std::nullopt;
  memcpy(&header, request.data(), sizeof header);
  return header;
}

// The fixed part that follows a request's header.
template <typename Body>
std::optional<Body> BodyOf(std::span<const char> request) {
  Body body;
  if (request.size() < sizeof(fuse_in_header) + sizeof body) return std::nullopt;
  memcpy(&body, request.data() + sizeof(fuse_in_header), sizeof body);
  return body;
}

// Opening for writing copies a lower file up.
bool OpensForWriting(std::span<const char> request) {
  auto open = BodyOf<fuse_open_in>(request);
  return open && ((open->flags & O_ACCMODE) != O_RDONLY || (open->flags & O_TRUNC) != 0);
}

// So does cutting it.
bool ChangesSize(std::span<const char> request) {
  auto change = BodyOf<fuse_setattr_in>(request);
  return change && (change->valid & FATTR_SIZE) != 0;
}

}  // namespace

pid_t CallerOf(std::span<const char> request) {
  const auto header = HeaderOf(request);
  return header ? static_cast<pid_t>(header->pid) : 0;
}

bool MayBeOneOfMany(std::span<const char> request) {
  const auto header = HeaderOf(request);
  return header && (header->opcode == FUSE_READ || header->opcode == FUSE_WRITE);
}

bool MayTakeLong(std::span<const char> request) {
  const auto header = HeaderOf(request);
  if (!header) return false;
  switch (header->opcode) {
    case FUSE_READ: {
      auto read = BodyOf<fuse_read_in>(request);
      return read && read->size > kMuchData;
    }
    case FUSE_WRITE: {
      auto write = BodyOf<fuse_write_in>(request);
      return write && (write->size > kMuchData || (write->flags & O_DSYNC) != 0);
    }
    case FUSE_OPEN:
      return OpensForWriting(request);
    case FUSE_SETATTR:
      return ChangesSize(request);
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case FUSE_SYNCFS:
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:
      return true;
    default:
      return false;
  }
}

}  // namespace blendfs::fuse
