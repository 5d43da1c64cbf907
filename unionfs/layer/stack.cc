// SPDX-License-Identifier: MIT
#include "unionfs/layer/stack.h"

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <system_error>
#include <tuple>

#include "unionfs/layer/overlap.h"
#include "unionfs/layer/work.h"
#include "unionfs/sys/filesystem.h"

namespace blendfs::layer {
namespace {

std::string Reason(const Error& error) { return std::generic_category().message(error.code); }

// What to do about a directory that cannot be opened.
std::string OpenProblem(const std::string& what, const Error& error) {
  switch (error.code) {
    case ENOENT:
      return what + " does not exist: create it, or correct the path";
    case ENOTDIR:
      return what +
             " is not a directory: give the directory that holds the tree (mount an image "
             "first)";
    case EACCES:
    case EPERM:
      return what + ": permission denied: run as root, or as its owner with -o userxattr";
    case ELOOP:
      return what + ": too many symbolic links: correct the path";
    default:
      return what + ": " + Reason(error);
  }
}

// The highest directory above `dir` on its mount that we can see.
Result<UniqueFd> TopOfMount(BorrowedFd dir) {
  BLENDFS_ASSIGN(const uint64_t mount, sys::MountId(dir));
  BLENDFS_ASSIGN(sys::FileStat stat, sys::Real().StatFd(dir));
  BLENDFS_ASSIGN(UniqueFd top, sys::Real().OpenBeneath(dir, ".", O_PATH | O_DIRECTORY));
  while (true) {
    BLENDFS_ASSIGN(UniqueFd parent, sys::OpenParent(top.borrow()));
    BLENDFS_ASSIGN(const uint64_t parent_mount, sys::MountId(parent.borrow()));
    BLENDFS_ASSIGN(const sys::FileStat parent_stat, sys::Real().StatFd(parent.borrow()));
    if (parent_mount != mount || parent_stat.ino == stat.ino) return top;
    top = std::move(parent);
    stat = parent_stat;
  }
}

}  // namespace

class StackOpener {
 public:
  StackOpener(sys::Calls& os, const StackConfig& config, std::string* problem)
      : os_(os), config_(config), problem_(problem) {}

  Result<Stack> Open() {
    stack_.format_ = Format(config_.userxattr);
    const bool marks_are_anybodys = config_.userxattr && (config_.for_others || geteuid() == 0);
    stack_.redirects_ =
        config_.redirects.value_or(marks_are_anybodys ? Redirects::kRefuse : Redirects::kMake);
    stack_.has_upper_ = !config_.upper.empty();
    stack_.volatile_ = stack_.has_upper_ && config_.volatile_upper;
    BLENDFS_TRY(CheckConfig());
    if (stack_.has_upper_) BLENDFS_TRY(OpenLayer("upperdir", config_.upper, true));
    for (const std::string& lower : config_.lowers) {
      BLENDFS_TRY(OpenLayer("lowerdir", lower, false));
    }
    if (stack_.has_upper_) {
      BLENDFS_ASSIGN(work_base_, OpenDir("workdir", config_.work));
    }
    BLENDFS_TRY(CheckPlaces());
    if (stack_.has_upper_) BLENDFS_TRY(OpenUpper());
    for (Layer& layer : stack_.layers_) Examine(&layer);
    return std::move(stack_);
  }

 private:
  tl::unexpected<Error> Problem(int code, std::string text) {
    return Problem(Error{code, "open the layers"}, std::move(text));
  }
  tl::unexpected<Error> Problem(const Error& error, std::string text) {
    *problem_ = std::move(text);
    return tl::unexpected(error);
  }

  Status CheckConfig() {
    if (config_.lowers.empty()) return Problem(EINVAL, "lowerdir is missing: give at least one");
    const size_t count = config_.lowers.size() + (stack_.has_upper_ ? 1 : 0);
    if (count > kMaxLayers) {
      return Problem(E2BIG, std::to_string(count) + " layers are given, at most " +
                                std::to_string(kMaxLayers) + " are possible: merge some");
    }
    if (stack_.has_upper_ && config_.work.empty()) {
      return Problem(EINVAL, "workdir is missing: upperdir needs one beside it, on the same mount");
    }
    if (!stack_.has_upper_ && !config_.work.empty()) {
      return Problem(EINVAL,
                     "workdir is given without upperdir: give both, or none for a "
                     "read-only union");
    }
    return {};
  }

  Result<UniqueFd> OpenDir(const std::string& option, const std::string& path) {
    if (path.empty()) {
      return Problem(EINVAL, option +
                                 " has an empty path: remove the extra ':', or write '\\:' for "
                                 "a colon in a path");
    }
    Result<UniqueFd> fd = sys::OpenGiven(path.c_str(), O_RDONLY | O_DIRECTORY);
    if (!fd) return Problem(fd.error(), OpenProblem(option + " '" + path + "'", fd.error()));
    return fd;
  }

  Result<UniqueFd> OpenRoot(const Layer& layer) {
    if (!layer.writable) {
      sys::MountChange change;
      change.access_times = sys::MountChange::AccessTimes::kNever;
      change.read_only = true;
      if (auto own = sys::CloneMount(layer.given.borrow(), change)) return own;
    }
    return os_.OpenBeneath(layer.given.borrow(), ".", O_PATH | O_DIRECTORY);
  }

  Status OpenLayer(const std::string& option, const std::string& path, bool writable) {
    Layer layer;
    layer.path = path;
    layer.writable = writable;
    BLENDFS_ASSIGN(layer.given, OpenDir(option, path));
    const auto failed = [&](const Error& error) {
      return Problem(error, option + " '" + path + "': " + Reason(error));
    };
    Result<UniqueFd> root = OpenRoot(layer);
    if (!root) return failed(root.error());
    Result<UniqueFd> mount = os_.OpenBeneath(root->borrow(), ".", O_RDONLY | O_DIRECTORY);
    if (!mount) return failed(mount.error());
    layer.root = std::move(*root);
    layer.mount = std::move(*mount);
    const Result<sys::FileStat> stat = os_.StatFd(layer.root.borrow());
    if (!stat) return failed(stat.error());
    layer.dev = stat->dev;
    layer.fs = fs_numbers_.emplace(stat->dev, fs_numbers_.size()).first->second;
    stack_.layers_.push_back(std::move(layer));
    return {};
  }

  Status CheckPlaces() {
    std::vector<Place> places;
    for (const Layer& layer : stack_.layers_) {
      places.push_back({layer.writable ? "upperdir" : "lowerdir", layer.path, layer.given.borrow(),
                        layer.writable});
    }
    if (work_base_) places.push_back({"workdir", config_.work, work_base_.borrow(), true});
    return CheckApart(places, problem_);
  }

  // Upper and work directory through one mount of our own, if access times ask for it. By their handles: each is
  // the same directory wherever its file system is mounted. An error leaves them as they were.
  Status UseOwnMount(Layer& upper) {
    if (config_.upper_mount == sys::MountChange{}) return {};
    BLENDFS_ASSIGN(const UniqueFd top, TopOfMount(upper.given.borrow()));
    BLENDFS_ASSIGN(const UniqueFd own, sys::CloneMount(top.borrow(), config_.upper_mount));
    BLENDFS_ASSIGN(const UniqueFd mount,
                   os_.OpenBeneath(own.borrow(), ".", O_RDONLY | O_DIRECTORY));
    const auto again = [&](const UniqueFd& dir, int flags) -> Result<UniqueFd> {
      BLENDFS_ASSIGN(const sys::Handle handle, os_.NameToHandle(dir.borrow(), ""));
      return os_.OpenHandle(mount.borrow(), handle, flags | O_DIRECTORY);
    };
    BLENDFS_ASSIGN(UniqueFd upper_root, again(upper.mount, O_PATH));
    BLENDFS_ASSIGN(UniqueFd upper_mount, again(upper.mount, O_RDONLY));
    BLENDFS_ASSIGN(UniqueFd work, again(work_base_, O_RDONLY));
    upper.root = std::move(upper_root);
    upper.mount = std::move(upper_mount);
    work_base_ = std::move(work);
    return {};
  }

  // What only an upper needs: writable, on one mount with its work directory, ours alone.
  Status OpenUpper() {
    Layer& upper = stack_.layers_.front();
    const std::string both = "upperdir '" + upper.path + "' and workdir '" + config_.work + "'";
    const Result<uint64_t> upper_mount = sys::MountId(upper.root.borrow());
    const Result<uint64_t> work_mount = sys::MountId(work_base_.borrow());
    if (!upper_mount || !work_mount) {
      const Error error = upper_mount ? work_mount.error() : upper_mount.error();
      return Problem(error, both + ": " + Reason(error));
    }
    if (*upper_mount != *work_mount) {
      return Problem(EXDEV, both + " are on different mounts: put them beside each other");
    }
    if (config_.access == Access::kLook) return LookAtUpper();
    const Result<struct statvfs> fs = os_.StatFs(upper.root.borrow());
    if (fs && (fs->f_flag & ST_RDONLY) != 0) {
      return Problem(EROFS, "upperdir '" + upper.path +
                                "' is on a read-only mount: mount it read-write, or leave out "
                                "upperdir and workdir for a read-only union");
    }
    (void)UseOwnMount(upper);  // without it access times move as on the mount given
    BLENDFS_ASSIGN(stack_.upper_lock_, Lock("upperdir", upper.path, upper.mount.borrow()));
    BLENDFS_ASSIGN(stack_.work_lock_, Lock("workdir", config_.work, work_base_.borrow()));
    const WorkConfig work_config{config_.work, config_.upper, config_.userxattr,
                                 config_.volatile_upper};
    BLENDFS_ASSIGN(Work work,
                   OpenWork(os_, stack_.format_, work_base_.borrow(), work_config, problem_));
    stack_.work_ = std::move(work.work);
    stack_.index_ = std::move(work.index);
    stack_.has_tmpfile_ = work.has_tmpfile;
    stack_.has_rename_whiteout_ = work.has_rename_whiteout;
    stack_.orders_names_ = sys::WrittenOutComesBeforeNames(stack_.work_.borrow());
    return {};
  }

  Status LookAtUpper() {
    for (auto [lock, option, path, dir] :
         {std::tuple(&stack_.upper_lock_, "upperdir", &config_.upper,
                     stack_.layers_.front().mount.borrow()),
          std::tuple(&stack_.work_lock_, "workdir", &config_.work, work_base_.borrow())}) {
      Result<UniqueFd> locked = Lock(option, *path, dir);
      if (!locked && locked.error().code != EBUSY) return tl::unexpected(locked.error());
      if (!locked) stack_.in_use_ = true;
      if (locked) *lock = std::move(*locked);
    }
    BLENDFS_ASSIGN(stack_.work_, LookAtWork("work"));
    BLENDFS_ASSIGN(stack_.index_, LookAtWork("index"));
    return {};
  }

  // No descriptor where there is no such directory: the upper was never mounted, or not by overlayfs with an index.
  Result<UniqueFd> LookAtWork(const char* name) {
    Result<UniqueFd> dir = os_.OpenBeneath(work_base_.borrow(), name, O_RDONLY | O_DIRECTORY);
    if (dir) return dir;
    const int code = dir.error().code;
    if (code == ENOENT || code == ENOTDIR || code == ELOOP || code == EXDEV) return UniqueFd();
    return Problem(dir.error(),
                   "workdir '" + config_.work + "/" + name + "': " + Reason(dir.error()));
  }

  // On a description of its own, so that the lock goes exactly when the stack goes.
  Result<UniqueFd> Lock(const std::string& option, const std::string& path, BorrowedFd dir) {
    Result<UniqueFd> fd = os_.OpenBeneath(dir, ".", O_RDONLY | O_DIRECTORY);
    const Status locked = fd ? sys::LockExclusive(fd->borrow()) : Status(tl::unexpect, fd.error());
    if (locked) return fd;
    if (locked.error().code == EBUSY) {
      return Problem(locked.error(), option + " '" + path +
                                         "' is in use by another blendfs mount: unmount that, or "
                                         "give this one its own upperdir and workdir");
    }
    return Problem(locked.error(),
                   option + " '" + path + "' cannot be locked: " + Reason(locked.error()));
  }

  // What is good to know of a layer's file system, and no error to lack.
  void Examine(Layer* layer) {
    layer->uuid = sys::FileSystemUuid(layer->mount.borrow());
    const Result<sys::Handle> handle = os_.NameToHandle(layer->mount.borrow(), "");
    // As any object is opened later: to root of a user namespace the kernel gives directories alone.
    layer->handles = handle && os_.OpenHandle(layer->mount.borrow(), *handle, O_PATH).has_value();
    layer->lasting_handles = layer->handles && !sys::IsFuse(layer->mount.borrow());
  }

  sys::Calls& os_;
  const StackConfig& config_;
  std::string* const problem_;
  std::map<uint64_t, uint32_t> fs_numbers_;  // by device; the first layer's is 0
  UniqueFd work_base_;
  Stack stack_;
};

Result<Stack> Stack::Open(sys::Calls& os, const StackConfig& config, std::string* problem) {
  problem->clear();
  Result<Stack> stack = StackOpener(os, config, problem).Open();
  if (!stack && problem->empty()) {
    *problem = std::string("cannot ") + stack.error().doing + ": " + Reason(stack.error());
  }
  return stack;
}

}  // namespace blendfs::layer
