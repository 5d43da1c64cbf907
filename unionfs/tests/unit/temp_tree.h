// SPDX-License-Identifier: MIT
// A temporary directory and short ways to fill and look at it, for unit tests on a real file
// system. It lies below $TMPDIR (default /var/tmp, which is no tmpfs as a rule) and goes with its
// object. Failures of the helpers themselves throw std::system_error: the test could not be set up.
// Thread-safety: one thread.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "unionfs/sys/calls.h"

namespace blendfs::testing {

inline void Check(bool good, const std::string& what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

// Gives the process mounts of its own, which go when it ends. False without the privilege. Every
// TempTree does so, because a descriptor opened before would still show the old mounts.
inline bool EnterPrivateMounts() {
  static const bool entered = ::unshare(CLONE_NEWNS) == 0 &&
                              ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return entered;
}

class TempTree {
 public:
  TempTree() {
    EnterPrivateMounts();
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base != nullptr ? base : "/var/tmp") + "/blendfs-test.XXXXXX";
    Check(::mkdtemp(pattern.data()) != nullptr, pattern);
    path_ = pattern;
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    Check(static_cast<bool>(fd_), path_);
  }
  ~TempTree() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  BorrowedFd fd() const { return fd_.borrow(); }

  void Dir(const std::string& name) const {
    std::error_code error;
    std::filesystem::create_directories(*this / name, error);
    Check(!error, name);
  }
  void File(const std::string& name, const std::string& content = "") const {
    std::ofstream out(*this / name, std::ios::binary);
    out << content;
    out.close();
    Check(out.good(), name);
  }
  std::string Content(const std::string& name) const {
    std::ifstream in(*this / name, std::ios::binary);
    Check(in.good(), name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void Symlink(const std::string& target, const std::string& name) const {
    Check(::symlink(target.c_str(), (*this / name).c_str()) == 0, name);
  }
  void Xattr(const std::string& name, const std::string& key, const std::string& value) const {
    Check(::lsetxattr((*this / name).c_str(), key.c_str(), value.data(), value.size(), 0) == 0,
          key);
  }
  // The value, or "(absent)".
  std::string GetXattr(const std::string& name, const std::string& key) const {
    char value[4096];
    const ssize_t size = ::lgetxattr((*this / name).c_str(), key.c_str(), value, sizeof(value));
    return size < 0 ? "(absent)" : std::string(value, static_cast<size_t>(size));
  }
  bool Exists(const std::string& name) const {
    struct stat stat {};
    return ::lstat((*this / name).c_str(), &stat) == 0;
  }
  struct stat Stat(const std::string& name) const {
    struct stat stat {};
    Check(::lstat((*this / name).c_str(), &stat) == 0, name);
    return stat;
  }
  UniqueFd Open(const std::string& name, int flags, mode_t mode = 0600) const {
    UniqueFd fd(::open((*this / name).c_str(), flags | O_CLOEXEC, mode));
    Check(static_cast<bool>(fd), name);
    return fd;
  }

 private:
  std::string path_;
  UniqueFd fd_;
};

// Root over the whole machine; root of a user namespace can do less than the tests that ask need.
inline bool IsRoot() {
  std::ifstream map("/proc/self/uid_map");
  uint64_t inside = 1, outside = 1, count = 0;
  map >> inside >> outside >> count;
  return ::geteuid() == 0 && inside == 0 && outside == 0 && count == 0xffffffff;
}

// Kernel overlayfs over lower, upper and work of `tree` on its directory "merged"; unmounted at the
// end. ok() is false where the kernel or a sandbox has none.
class KernelOverlay {
 public:
  explicit KernelOverlay(const TempTree& tree, const std::string& more_options = "") {
    target_ = tree / "merged";
    if (!EnterPrivateMounts()) return;
    const std::string options = "lowerdir=" + tree / "lower" + ",upperdir=" + tree / "upper" +
                                ",workdir=" + tree / "work" + more_options;
    mounted_ = ::mount("overlay", target_.c_str(), "overlay", 0, options.c_str()) == 0;
  }
  ~KernelOverlay() { Unmount(); }
  KernelOverlay(const KernelOverlay&) = delete;
  KernelOverlay& operator=(const KernelOverlay&) = delete;
  bool ok() const { return mounted_; }
  void Unmount() {
    if (mounted_) ::umount2(target_.c_str(), MNT_DETACH);
    mounted_ = false;
  }

 private:
  std::string target_;
  bool mounted_ = false;
};

}  // namespace blendfs::testing
