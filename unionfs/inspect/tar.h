// SPDX-License-Identifier: MIT
// Writes a pax archive (POSIX.1-2001): ustar blocks, and before an object whose name, owner, time or attributes do
// not fit one, an extended header. Attributes are kept as SCHILY.xattr.*, as GNU tar, bsdtar and container tools do.
// Holes are written as zeros. Thread-safety: one thread.
#pragma once

#include <ctime>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "unionfs/base/result.h"

namespace blendfs::inspect {

struct TarEntry {
  enum class Type : char {
    kFile = '0',
    kHardLink = '1',
    kSymlink = '2',
    kCharacter = '3',
    kBlock = '4',
    kDirectory = '5',
    kFifo = '6',
  };
  Type type = Type::kFile;
  std::string path;    // a directory's ends with '/'
  std::string target;  // of a symlink or hard link
  uint32_t mode = 0;   // permission bits
  uint64_t uid = 0, gid = 0;
  uint64_t size = 0;  // bytes that follow
  timespec mtime{};
  unsigned device_major = 0, device_minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

class TarWriter {
 public:
  using Output = std::function<Status(std::string_view)>;
  explicit TarWriter(Output output) : output_(std::move(output)) {}

  // To be followed by entry.size bytes of Data in all.
  Status Begin(const TarEntry& entry);
  Status Data(std::string_view bytes);
  // Fills up the block after an entry's data.
  Status End();
  // Two blocks of zeros. To be called once, after the last entry.
  Status Close();

 private:
  Output output_;
  uint64_t left_ = 0;     // of the entry's data
  uint64_t written_ = 0;  // bytes in all
};

}  // namespace blendfs::inspect
