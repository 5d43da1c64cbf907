// SPDX-License-Identifier: MIT
#include "unionfs/layer/work.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <system_error>

namespace blendfs::layer {
namespace {

constexpr char kWorkName[] = "work";
constexpr char kIndexName[] = "index";
constexpr char kIncompat[] = "incompat";
constexpr char kVolatile[] = "volatile";
constexpr char kDirty[] = "dirty";
constexpr int kDirFlags = O_RDONLY | O_DIRECTORY;
constexpr mode_t kOwnerAll = 0700;

sys::Creator Self() { return {::geteuid(), ::getegid(), 0}; }

std::string Reason(const Error& error) { return std::generic_category().message(error.code); }

class WorkOpener {
 public:
  WorkOpener(sys::Calls& os, const Format& format, BorrowedFd base, const WorkConfig& config,
             std::string* problem)
      : os_(os), format_(format), base_(base), config_(config), problem_(problem) {}

  Result<Work> Open() {
    BLENDFS_TRY(RefuseIncompatible());
    BLENDFS_ASSIGN(work_.work, EnsureDir(kWorkName));
    BLENDFS_ASSIGN(work_.index, EnsureDir(kIndexName));
    BLENDFS_TRY(Recover());
    BLENDFS_TRY(ProbeXattrs());
    BLENDFS_TRY(ProbeWhiteouts());
    ProbeTmpFile();
    if (config_.volatile_upper) BLENDFS_TRY(MarkVolatile());
    return std::move(work_);
  }

 private:
  tl::unexpected<Error> Problem(const Error& error, std::string text) {
    *problem_ = std::move(text);
    return tl::unexpected(error);
  }
  std::string WorkDir() const { return "workdir '" + config_.path + "'"; }

  // work/incompat/X says that somebody who did not understand X must keep his hands off.
  Status RefuseIncompatible() {
    const std::string path = std::string(kWorkName) + "/" + kIncompat;
    const Result<UniqueFd> dir = os_.OpenBeneath(base_, path.c_str(), kDirFlags);
    if (!dir) return {};  // the rule; whatever else it may be is removed with the leftovers
    const Result<std::vector<sys::DirEntry>> entries = os_.List(dir->borrow());
    if (!entries) {
      return Problem(entries.error(),
                     WorkDir() + ": cannot read " + path + ": " + Reason(entries.error()));
    }
    if (entries->empty()) return {};
    const std::string& feature = entries->front().name;
    if (feature == kVolatile) {
      return Problem({EINVAL, "open the work directory"},
                     WorkDir() + " is left from a volatile mount, so upperdir '" + config_.upper +
                         "' may be incomplete: start with a fresh upperdir and workdir, or, if it "
                         "was unmounted and synced, remove '" +
                         config_.path + "/" + path + "'");
    }
    return Problem({EINVAL, "open the work directory"},
                   WorkDir() + " needs the feature '" + feature +
                       "', which blendfs does not know: mount it with what made it");
  }

  // A directory in the work directory, whatever was there before.
  Result<UniqueFd> EnsureDir(const char* name) {
    Result<UniqueFd> dir = TryEnsureDir(name);
    if (dir) return dir;
    const std::string what = "cannot prepare '" + config_.path + "/" + name + "': ";
    switch (dir.error().code) {
      case EACCES:
      case EPERM:
        return Problem(dir.error(), what + "permission denied: run as the owner of it, or as root");
      case EROFS:
        return Problem(dir.error(), what +
                                        "the file system is read-only: mount it read-write, or "
                                        "leave out upperdir and workdir for a read-only union");
      case ENOSPC:
      case EDQUOT:
        return Problem(dir.error(), what + "the file system is full: make room on it");
      default:
        return Problem(dir.error(), what + Reason(dir.error()));
    }
  }

  Result<UniqueFd> TryEnsureDir(const char* name) {
    const Result<sys::FileStat> stat = os_.Stat(base_, name);
    if (!stat && stat.error().code != ENOENT) return tl::unexpected(stat.error());
    if (stat && !stat->IsDir()) BLENDFS_TRY(os_.Unlink(base_, name));
    if (!stat || !stat->IsDir()) {
      BLENDFS_TRY(os_.MakeDir(base_, name, kOwnerAll, Self()));
      BLENDFS_TRY(os_.Chmod(base_, name, kOwnerAll));  // drops an inherited setgid bit
    }
    Result<UniqueFd> dir = os_.OpenBeneath(base_, name, kDirFlags);
    if (!dir && dir.error().code == EACCES) {  // overlayfs makes it with mode 0
      BLENDFS_TRY(os_.Chmod(base_, name, kOwnerAll));
      dir = os_.OpenBeneath(base_, name, kDirFlags);
    }
    if (!dir) return dir;
    // An ACL inherited from the user's directory would be passed on to everything built inside.
    for (const char* key : {"system.posix_acl_default", "system.posix_acl_access"}) {
      const Status removed = os_.RemoveXattrFd(dir->borrow(), key);
      if (!removed && removed.error().code != ENODATA && removed.error().code != EOPNOTSUPP) {
        return tl::unexpected(removed.error());
      }
    }
    return dir;
  }

  // What an interrupted copy-up or a crash left: all of work/, and temporaries in index/.
  Status Recover() {
    std::string culprit;
    Status cleaned = MoveIndexLeftovers(&culprit);
    if (cleaned) cleaned = RemoveAll(os_, work_.work.borrow(), &culprit);
    if (cleaned) return {};
    return Problem(cleaned.error(), WorkDir() + ": cannot remove the leftover '" + culprit +
                                        "' in it: " + Reason(cleaned.error()) +
                                        ": remove it by hand (it may be immutable or a mount)");
  }

  Status MoveIndexLeftovers(std::string* culprit) {
    BLENDFS_ASSIGN(const std::vector<sys::DirEntry> entries, os_.List(work_.index.borrow()));
    uint64_t serial = 0;
    for (const sys::DirEntry& entry : entries) {
      if (!entry.name.starts_with('#')) continue;
      *culprit = entry.name;
      Status moved;
      do {
        const std::string to = "#index." + std::to_string(++serial);
        moved = os_.Rename(work_.index.borrow(), entry.name.c_str(), work_.work.borrow(),
                           to.c_str(), RENAME_NOREPLACE);
      } while (!moved && moved.error().code == EEXIST);
      BLENDFS_TRY(moved);
    }
    return {};
  }

  Status ProbeXattrs() {
    const std::string key = format_.Key(kOpaque);
    const BorrowedFd dir = work_.work.borrow();
    const Status set = os_.SetXattrFd(dir, key.c_str(), "0", 0);
    if (set) return os_.RemoveXattrFd(dir, key.c_str());
    const std::string what = "cannot set " + key + " on upperdir '" + config_.upper + "': ";
    switch (set.error().code) {
      case EPERM:
      case EACCES:
        return Problem(set.error(),
                       config_.userxattr
                           ? what + "permission denied: run as the owner of it"
                           : what + "that takes root: run as root, or add -o userxattr");
      case EOPNOTSUPP:
        return Problem(
            set.error(),
            what + (config_.userxattr
                        ? "its file system keeps no user attributes: put upperdir and "
                          "workdir on ext4, xfs or btrfs"
                        : "its file system keeps no trusted attributes: put upperdir and "
                          "workdir on ext4, xfs, btrfs or tmpfs, or add -o userxattr"));
      case ENOSPC:
      case EDQUOT:
        return Problem(set.error(), what + "the file system is full: make room on it");
      default:
        return Problem(set.error(), what + Reason(set.error()));
    }
  }

  Status ProbeWhiteouts() {
    constexpr char kProbe[] = "#probe.whiteout";
    const BorrowedFd dir = work_.work.borrow();
    Error error{EOPNOTSUPP, "make a whiteout"};
    if (const Status made = os_.MakeNode(dir, kProbe, S_IFCHR, 0, Self()); made) {
      const Result<sys::FileStat> stat = os_.Stat(dir, kProbe);
      BLENDFS_TRY(os_.Unlink(dir, kProbe));
      if (stat && IsWhiteoutDevice(*stat)) {
        ProbeRenameWhiteout();
        return {};
      }
      if (!stat) error = stat.error();
    } else {
      error = made.error();
    }
    const std::string what =
        "cannot make a whiteout (character device 0:0) on upperdir '" + config_.upper + "': ";
    if (error.code == ENOSPC || error.code == EDQUOT) {
      return Problem(error, what + "the file system is full: make room on it");
    }
    if (error.code == EPERM) {
      return Problem(error, what +
                                "not permitted: put upperdir and workdir on ext4, xfs, btrfs or "
                                "tmpfs, and run as root on kernels before 5.8");
    }
    return Problem(
        error, what + Reason(error) + ": put upperdir and workdir on ext4, xfs, btrfs or tmpfs");
  }

  // Only faster: without it a whiteout is made in work/ and renamed into place.
  void ProbeRenameWhiteout() {
    constexpr char kFrom[] = "#probe.from";
    constexpr char kTo[] = "#probe.to";
    const BorrowedFd dir = work_.work.borrow();
    if (!os_.Create(dir, kFrom, O_WRONLY, 0600, Self())) return;
    const bool renamed = os_.Rename(dir, kFrom, dir, kTo, RENAME_WHITEOUT).has_value();
    const Result<sys::FileStat> stat = os_.Stat(dir, kFrom);
    work_.has_rename_whiteout = renamed && stat && IsWhiteoutDevice(*stat);
    // Whichever of the two exists; leftovers would go at the next mount.
    static_cast<void>(os_.Unlink(dir, kFrom));
    static_cast<void>(os_.Unlink(dir, kTo));
  }

  void ProbeTmpFile() {
    work_.has_tmpfile = os_.OpenTmpFile(work_.work.borrow(), O_RDWR, 0600, Self()).has_value();
  }

  Status MarkVolatile() {
    Status marked = TryMarkVolatile();
    if (marked) return marked;
    return Problem(marked.error(),
                   WorkDir() + ": cannot mark it as volatile: " + Reason(marked.error()));
  }

  // Reaches the disk at once: it has to be there when the data are not.
  Status TryMarkVolatile() {
    const BorrowedFd work = work_.work.borrow();
    BLENDFS_TRY(os_.MakeDir(work, kIncompat, kOwnerAll, Self()));
    BLENDFS_ASSIGN(const UniqueFd incompat, os_.OpenBeneath(work, kIncompat, kDirFlags));
    BLENDFS_TRY(os_.MakeDir(incompat.borrow(), kVolatile, kOwnerAll, Self()));
    BLENDFS_ASSIGN(const UniqueFd dir, os_.OpenBeneath(incompat.borrow(), kVolatile, kDirFlags));
    BLENDFS_ASSIGN(const UniqueFd dirty, os_.Create(dir.borrow(), kDirty, O_WRONLY, 0600, Self()));
    for (const BorrowedFd fd : {dirty.borrow(), dir.borrow(), incompat.borrow(), work}) {
      BLENDFS_TRY(os_.Sync(fd, false));
    }
    return {};
  }

  sys::Calls& os_;
  const Format& format_;
  const BorrowedFd base_;
  const WorkConfig& config_;
  std::string* const problem_;
  Work work_;
};

}  // namespace

Result<Work> OpenWork(sys::Calls& os, const Format& format, BorrowedFd base,
                      const WorkConfig& config, std::string* problem) {
  return WorkOpener(os, format, base, config, problem).Open();
}

}  // namespace blendfs::layer
