// SPDX-License-Identifier: MIT
#include "unionfs/layer/copy.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "unionfs/layer/format.h"

namespace blendfs::layer {
namespace {

constexpr size_t kBufferBytes = 1024 * 1024;
constexpr uint64_t kMaxRangeBytes = 1024 * 1024 * 1024;

// This way of copying is not to be had here, another may be. Anything else (no space, a broken
// disk) would be no better on the next rung.
bool FallsDown(const Error& error) {
  switch (error.code) {
    case EXDEV:
    case EOPNOTSUPP:
    case EINVAL:
    case ENOSYS:
    case ETXTBSY:
    case EPERM:
    case ENOTTY:  // what an ioctl says where it is unknown
      return true;
    default:
      return false;
  }
}

class Copier {
 public:
  Copier(sys::Calls& os, BorrowedFd from, BorrowedFd to) : os_(os), from_(from), to_(to) {}

  Status Run(uint64_t size) {
    BLENDFS_ASSIGN(const sys::FileStat stat, os_.StatFd(from_));
    const uint64_t end = std::min(size, stat.size);
    if (end == 0) return {};
    const Status cloned = os_.Clone(from_, to_);
    if (cloned) return stat.size > end ? os_.Truncate(to_, end) : Status{};
    if (!FallsDown(cloned.error())) return cloned;
    BLENDFS_TRY(CopyExtents(end));
    if (written_end_ == (ended_ ? position_ : end)) return {};
    return os_.Truncate(to_, ended_ ? position_ : end);  // a hole at the end
  }

 private:
  Status CopyExtents(uint64_t end) {
    while (position_ < end && !ended_) {
      BLENDFS_ASSIGN(const Extent extent, NextData(end));
      if (extent.start >= end) return {};
      position_ = extent.start;
      BLENDFS_TRY(CopyExtent(extent.end));
    }
    return {};
  }

  struct Extent {
    uint64_t start, end;
  };

  // The next run of data at or after position_; empty at `end` when only a hole is left. A file
  // system that cannot tell, or tells nonsense, is taken to have data everywhere.
  Result<Extent> NextData(uint64_t end) {
    if (!can_seek_) return Extent{position_, end};
    const Result<uint64_t> data = os_.Seek(from_, static_cast<int64_t>(position_), SEEK_DATA);
    if (!data && data.error().code == ENXIO) return Extent{end, end};
    if (!data && !FallsDown(data.error())) return tl::unexpected(data.error());
    if (!data || *data < position_) {
      can_seek_ = false;
      return Extent{position_, end};
    }
    if (*data >= end) return Extent{end, end};
    const Result<uint64_t> hole = os_.Seek(from_, static_cast<int64_t>(*data), SEEK_HOLE);
    if (!hole && !FallsDown(hole.error()) && hole.error().code != ENXIO) {
      return tl::unexpected(hole.error());
    }
    if (!hole || *hole <= *data) return Extent{*data, end};
    return Extent{*data, std::min(*hole, end)};
  }

  // Copies [position_, end), or as much as there is.
  Status CopyExtent(uint64_t end) {
    while (position_ < end && can_copy_range_) {
      const auto want = static_cast<size_t>(std::min(end - position_, kMaxRangeBytes));
      const Result<size_t> copied = os_.CopyRange(from_, position_, to_, position_, want);
      if (copied && *copied > 0) {
        Advance(*copied);
      } else if (copied || FallsDown(copied.error())) {
        can_copy_range_ =
            false;  // nothing copied: the end, or a file system that cannot: read tells
      } else {
        return tl::unexpected(copied.error());
      }
    }
    while (position_ < end && !ended_) BLENDFS_TRY(CopyThroughBuffer(end));
    return {};
  }

  Status CopyThroughBuffer(uint64_t end) {
    if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(kBufferBytes);
    const auto want = static_cast<size_t>(std::min<uint64_t>(end - position_, kBufferBytes));
    BLENDFS_ASSIGN(const size_t got, os_.Read(from_, buffer_.get(), want, position_));
    if (got == 0) {
      ended_ = true;
      return {};
    }
    for (size_t done = 0; done < got;) {
      BLENDFS_ASSIGN(const size_t wrote,
                     os_.Write(to_, buffer_.get() + done, got - done, position_));
      if (wrote == 0) return Fail(EIO, "write");
      done += wrote;
      Advance(wrote);
    }
    return {};
  }

  void Advance(size_t bytes) {
    position_ += bytes;
    written_end_ = position_;
  }

  sys::Calls& os_;
  const BorrowedFd from_, to_;
  uint64_t position_ = 0;     // everything before it is done
  uint64_t written_end_ = 0;  // where the target ends so far
  bool ended_ = false;        // the source turned out to be shorter
  bool can_seek_ = true;
  bool can_copy_range_ = true;
  std::unique_ptr<char[]> buffer_;
};

// Attributes without which the copy would grant or deny the wrong things.
bool MustCopy(const std::string& key) {
  return key.starts_with("security.") || key == "system.posix_acl_access" ||
         key == "system.posix_acl_default";
}

// Bound to the inode they were made for, so a copy would be invalid.
bool NeverCopied(const std::string& key) { return key == "security.evm"; }

}  // namespace

Status CopyData(sys::Calls& os, BorrowedFd from, BorrowedFd to, uint64_t size) {
  return Copier(os, from, to).Run(size);
}

Status CopyXattrs(sys::Calls& os, const Format& format, BorrowedFd from_dir, const char* from_name,
                  BorrowedFd to_fd) {
  const Result<std::vector<std::string>> keys = os.ListXattr(from_dir, from_name);
  if (!keys) {
    if (keys.error().code == EOPNOTSUPP) return {};
    return tl::unexpected(keys.error());
  }
  for (const std::string& key : *keys) {
    if (!format.ToUser(key) || NeverCopied(key)) continue;
    const Result<std::string> value = os.GetXattr(from_dir, from_name, key.c_str());
    if (!value) {
      if (value.error().code == ENODATA) continue;  // removed meanwhile
      return tl::unexpected(value.error());
    }
    const Status set = os.SetXattrFd(to_fd, key.c_str(), *value, 0);
    if (!set && (set.error().code != EOPNOTSUPP || MustCopy(key))) return set;
  }
  return {};
}

}  // namespace blendfs::layer
