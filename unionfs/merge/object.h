// SPDX-License-Identifier: MIT
// The real object at a place, however it is reached: every call has a form for a name in a directory and
// one for a descriptor, and this chooses.
// Thread-safety: as sys::Calls; the place must hold still (Steady) and outlive this. Errors: the calls'.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "unionfs/merge/state.h"

namespace blendfs::merge {

class Object {
 public:
  Object(State& state, const Place& place) : os_(state.os), place_(place) {}

  Status Chown(uid_t uid, gid_t gid) const {
    return pinned() ? os_.ChownFd(dir(), uid, gid) : os_.Chown(dir(), name(), uid, gid);
  }
  Status Chmod(mode_t mode) const {
    return pinned() ? os_.ChmodFd(dir(), mode) : os_.Chmod(dir(), name(), mode);
  }
  Status SetTimes(const timespec times[2]) const {
    return pinned() ? os_.SetTimesFd(dir(), times) : os_.SetTimes(dir(), name(), times);
  }
  Result<std::string> ReadLink() const {
    return pinned() ? os_.ReadLinkFd(dir()) : os_.ReadLink(dir(), name());
  }

  // Names of attributes are those on disk.
  Result<std::string> GetXattr(const std::string& key) const {
    return pinned() ? os_.GetXattrFd(dir(), key.c_str()) : os_.GetXattr(dir(), name(), key.c_str());
  }
  Status SetXattr(const std::string& key, std::string_view value, int flags) const {
    return pinned() ? os_.SetXattrFd(dir(), key.c_str(), value, flags)
                    : os_.SetXattr(dir(), name(), key.c_str(), value, flags);
  }
  Status RemoveXattr(const std::string& key) const {
    return pinned() ? os_.RemoveXattrFd(dir(), key.c_str())
                    : os_.RemoveXattr(dir(), name(), key.c_str());
  }
  Result<std::vector<std::string>> ListXattr() const {
    return pinned() ? os_.ListXattrFd(dir()) : os_.ListXattr(dir(), name());
  }

  Result<UniqueFd> Open(int flags) const {
    return pinned() ? os_.Reopen(dir(), flags) : os_.OpenBeneath(dir(), name(), flags);
  }
  // A regular file. A lower layer may have changed underneath: a FIFO by now does not hold us up, and nothing
  // but a file passes for one (ESTALE).
  Result<UniqueFd> OpenFile(int flags) const {
    BLENDFS_ASSIGN(UniqueFd fd, Open(flags | O_NONBLOCK));
    BLENDFS_ASSIGN(const sys::FileStat stat, os_.StatFd(fd.borrow()));
    if (!S_ISREG(stat.mode)) return Fail(ESTALE);
    return fd;
  }
  Status LinkTo(BorrowedFd to, const char* as) const {
    return pinned() ? os_.LinkFd(dir(), to, as) : os_.Link(dir(), name(), to, as);
  }

 private:
  bool pinned() const { return place_.pinned(); }
  BorrowedFd dir() const { return place_.dir; }
  const char* name() const { return place_.name.c_str(); }

  sys::Calls& os_;
  const Place& place_;
};

}  // namespace blendfs::merge
