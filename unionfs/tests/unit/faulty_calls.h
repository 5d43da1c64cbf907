// SPDX-License-Identifier: MIT
// The operating system with faults on demand: forwards every call to another Calls, unless a hook
// says that this one fails, or that the machine crashes right before or after it.
//
//   FaultyCalls os;                                  // over sys::Real()
//   os.FailAlways("Clone", EOPNOTSUPP);              // every one
//   os.FailNth("Write", 3, ENOSPC);                  // just the third
//   os.CrashAfterChange(7);                          // dead after the seventh change to a layer
//   EXPECT_EQ(os.count("CopyRange"), 2);
//
// Call names are those of the methods of sys::Calls. Counts start at 1.
//
// A crash is kFreeze by default: from then on every call fails with EIO and changes nothing, so the
// code under test unwinds as it likes while the disk stays as it was at the crash. With kThrow the
// call throws Crash instead.
// Thread-safety: all methods may be called from any thread; the hook runs under a lock.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "unionfs/sys/calls.h"

namespace blendfs::testing {

struct Crash {};

class FaultyCalls : public sys::Calls {
 public:
  enum class CrashMode { kFreeze, kThrow };
  enum class Action { kPass, kFail, kCrashBefore, kCrashAfter };
  struct Decision {
    Action action = Action::kPass;
    int error = EIO;
  };
  struct Event {
    std::string_view call;
    int nth_of_call = 0;  // among calls of this name
    int nth_change = 0;   // among calls that change a layer; 0 for those that only look
  };
  using Hook = std::function<Decision(const Event&)>;

  explicit FaultyCalls(sys::Calls& real = sys::Real()) : real_(real) {}

  // Asked before every call; replaces what the convenience functions below set up.
  void SetHook(Hook hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }
  void SetCrashMode(CrashMode mode) { crash_mode_ = mode; }

  void FailAlways(const std::string& call, int error) { always_[call] = error; }
  void FailNth(const std::string& call, int nth, int error) { nth_[{call, nth}] = error; }
  void CrashAfterChange(int nth) { crash_after_change_ = nth; }
  // Forgets faults, counts and a crash.
  void Reset() {
    const std::lock_guard lock(mutex_);
    hook_ = nullptr;
    always_.clear();
    nth_.clear();
    counts_.clear();
    changes_.clear();
    crash_after_change_ = 0;
    crashed_ = false;
  }

  int count(const std::string& call) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(call);
    return found == counts_.end() ? 0 : found->second;
  }
  // Names of the calls so far that change a layer, in order.
  std::vector<std::string> changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }
  bool crashed() const {
    const std::lock_guard lock(mutex_);
    return crashed_;
  }

  Result<sys::FileStat> Stat(BorrowedFd dir, const char* name) override {
    return Look("Stat", [&] { return real_.Stat(dir, name); });
  }
  Result<sys::FileStat> StatFd(BorrowedFd fd) override {
    return Look("StatFd", [&] { return real_.StatFd(fd); });
  }
  Result<std::string> ReadLink(BorrowedFd dir, const char* name) override {
    return Look("ReadLink", [&] { return real_.ReadLink(dir, name); });
  }
  Result<std::string> ReadLinkFd(BorrowedFd fd) override {
    return Look("ReadLinkFd", [&] { return real_.ReadLinkFd(fd); });
  }
  Result<struct statvfs> StatFs(BorrowedFd fd) override {
    return Look("StatFs", [&] { return real_.StatFs(fd); });
  }
  Result<std::vector<sys::DirEntry>> List(BorrowedFd dir) override {
    return Look("List", [&] { return real_.List(dir); });
  }

  Result<UniqueFd> OpenBeneath(BorrowedFd dir, const char* path, int flags) override {
    return Look("OpenBeneath", [&] { return real_.OpenBeneath(dir, path, flags); });
  }
  Result<UniqueFd> OpenTmpFile(BorrowedFd dir, int flags, mode_t mode,
                               const sys::Creator& creator) override {
    return Change("OpenTmpFile", [&] { return real_.OpenTmpFile(dir, flags, mode, creator); });
  }
  Result<UniqueFd> Reopen(BorrowedFd fd, int flags) override {
    return Look("Reopen", [&] { return real_.Reopen(fd, flags); });
  }
  Result<sys::Handle> NameToHandle(BorrowedFd dir, const char* name) override {
    return Look("NameToHandle", [&] { return real_.NameToHandle(dir, name); });
  }
  Result<UniqueFd> OpenHandle(BorrowedFd mount, const sys::Handle& handle, int flags) override {
    return Look("OpenHandle", [&] { return real_.OpenHandle(mount, handle, flags); });
  }

  Result<UniqueFd> Create(BorrowedFd dir, const char* name, int flags, mode_t mode,
                          const sys::Creator& creator) override {
    return Change("Create", [&] { return real_.Create(dir, name, flags, mode, creator); });
  }
  Status MakeDir(BorrowedFd dir, const char* name, mode_t mode,
                 const sys::Creator& creator) override {
    return Change("MakeDir", [&] { return real_.MakeDir(dir, name, mode, creator); });
  }
  Status MakeNode(BorrowedFd dir, const char* name, mode_t mode, dev_t rdev,
                  const sys::Creator& creator) override {
    return Change("MakeNode", [&] { return real_.MakeNode(dir, name, mode, rdev, creator); });
  }
  Status MakeSymlink(const char* target, BorrowedFd dir, const char* name,
                     const sys::Creator& creator) override {
    return Change("MakeSymlink", [&] { return real_.MakeSymlink(target, dir, name, creator); });
  }
  Status Link(BorrowedFd from_dir, const char* from, BorrowedFd to_dir, const char* to) override {
    return Change("Link", [&] { return real_.Link(from_dir, from, to_dir, to); });
  }
  Status LinkFd(BorrowedFd fd, BorrowedFd to_dir, const char* to) override {
    return Change("LinkFd", [&] { return real_.LinkFd(fd, to_dir, to); });
  }
  Status Unlink(BorrowedFd dir, const char* name) override {
    return Change("Unlink", [&] { return real_.Unlink(dir, name); });
  }
  Status RemoveDir(BorrowedFd dir, const char* name) override {
    return Change("RemoveDir", [&] { return real_.RemoveDir(dir, name); });
  }
  Status Rename(BorrowedFd from_dir, const char* from, BorrowedFd to_dir, const char* to,
                unsigned flags) override {
    return Change("Rename", [&] { return real_.Rename(from_dir, from, to_dir, to, flags); });
  }

  Status Chmod(BorrowedFd dir, const char* name, mode_t mode) override {
    return Change("Chmod", [&] { return real_.Chmod(dir, name, mode); });
  }
  Status ChmodFd(BorrowedFd fd, mode_t mode) override {
    return Change("ChmodFd", [&] { return real_.ChmodFd(fd, mode); });
  }
  Status Chown(BorrowedFd dir, const char* name, uid_t uid, gid_t gid) override {
    return Change("Chown", [&] { return real_.Chown(dir, name, uid, gid); });
  }
  Status ChownFd(BorrowedFd fd, uid_t uid, gid_t gid) override {
    return Change("ChownFd", [&] { return real_.ChownFd(fd, uid, gid); });
  }
  Status SetTimes(BorrowedFd dir, const char* name, const timespec times[2]) override {
    return Change("SetTimes", [&] { return real_.SetTimes(dir, name, times); });
  }
  Status SetTimesFd(BorrowedFd fd, const timespec times[2]) override {
    return Change("SetTimesFd", [&] { return real_.SetTimesFd(fd, times); });
  }
  Status Truncate(BorrowedFd fd, uint64_t size) override {
    return Change("Truncate", [&] { return real_.Truncate(fd, size); });
  }
  Status Allocate(BorrowedFd fd, int mode, uint64_t offset, uint64_t length) override {
    return Change("Allocate", [&] { return real_.Allocate(fd, mode, offset, length); });
  }
  Status Sync(BorrowedFd fd, bool data_only) override {
    return Change("Sync", [&] { return real_.Sync(fd, data_only); });
  }
  Status WriteOut(BorrowedFd fd) override {
    return Change("WriteOut", [&] { return real_.WriteOut(fd); });
  }
  Status SyncFs(BorrowedFd fd) override {
    return Change("SyncFs", [&] { return real_.SyncFs(fd); });
  }

  Result<std::string> GetXattr(BorrowedFd dir, const char* name, const char* key) override {
    return Look("GetXattr", [&] { return real_.GetXattr(dir, name, key); });
  }
  Result<std::string> GetXattrFd(BorrowedFd fd, const char* key) override {
    return Look("GetXattrFd", [&] { return real_.GetXattrFd(fd, key); });
  }
  Status SetXattr(BorrowedFd dir, const char* name, const char* key, std::string_view value,
                  int flags) override {
    return Change("SetXattr", [&] { return real_.SetXattr(dir, name, key, value, flags); });
  }
  Status SetXattrFd(BorrowedFd fd, const char* key, std::string_view value, int flags) override {
    return Change("SetXattrFd", [&] { return real_.SetXattrFd(fd, key, value, flags); });
  }
  Status RemoveXattr(BorrowedFd dir, const char* name, const char* key) override {
    return Change("RemoveXattr", [&] { return real_.RemoveXattr(dir, name, key); });
  }
  Status RemoveXattrFd(BorrowedFd fd, const char* key) override {
    return Change("RemoveXattrFd", [&] { return real_.RemoveXattrFd(fd, key); });
  }
  Result<std::vector<std::string>> ListXattr(BorrowedFd dir, const char* name) override {
    return Look("ListXattr", [&] { return real_.ListXattr(dir, name); });
  }
  Result<std::vector<std::string>> ListXattrFd(BorrowedFd fd) override {
    return Look("ListXattrFd", [&] { return real_.ListXattrFd(fd); });
  }

  Result<size_t> Read(BorrowedFd fd, void* buffer, size_t size, uint64_t offset) override {
    return Look("Read", [&] { return real_.Read(fd, buffer, size, offset); });
  }
  Result<size_t> Write(BorrowedFd fd, const void* buffer, size_t size, uint64_t offset) override {
    return Change("Write", [&] { return real_.Write(fd, buffer, size, offset); });
  }
  Result<uint64_t> Seek(BorrowedFd fd, int64_t offset, int whence) override {
    return Look("Seek", [&] { return real_.Seek(fd, offset, whence); });
  }
  Result<size_t> CopyRange(BorrowedFd from, uint64_t from_offset, BorrowedFd to, uint64_t to_offset,
                           size_t size) override {
    return Change("CopyRange",
                  [&] { return real_.CopyRange(from, from_offset, to, to_offset, size); });
  }
  Status Clone(BorrowedFd from, BorrowedFd to) override {
    return Change("Clone", [&] { return real_.Clone(from, to); });
  }
  Result<unsigned> GetFlags(BorrowedFd fd) override {
    return Look("GetFlags", [&] { return real_.GetFlags(fd); });
  }
  Status SetFlags(BorrowedFd fd, unsigned flags) override {
    return Change("SetFlags", [&] { return real_.SetFlags(fd, flags); });
  }
  Result<sys::ExtendedFlags> GetExtendedFlags(BorrowedFd fd) override {
    return Look("GetExtendedFlags", [&] { return real_.GetExtendedFlags(fd); });
  }
  Status SetExtendedFlags(BorrowedFd fd, const sys::ExtendedFlags& flags) override {
    return Change("SetExtendedFlags", [&] { return real_.SetExtendedFlags(fd, flags); });
  }

 private:
  template <typename Call>
  auto Look(const char* name, Call call) -> decltype(call()) {
    return Forward(name, false, call);
  }
  template <typename Call>
  auto Change(const char* name, Call call) -> decltype(call()) {
    return Forward(name, true, call);
  }

  template <typename Call>
  auto Forward(const char* name, bool changes, Call call) -> decltype(call()) {
    const Decision decision = Decide(name, changes);
    if (decision.action == Action::kFail) return Fail(decision.error, name);
    if (decision.action == Action::kCrashBefore) return Die(name);
    decltype(call()) result = call();
    if (decision.action == Action::kCrashAfter) return Die(name);
    return result;
  }

  Decision Decide(const char* name, bool changes) {
    const std::lock_guard lock(mutex_);
    if (crashed_) return {Action::kFail, EIO};
    const int nth_of_call = ++counts_[name];
    if (changes) changes_.emplace_back(name);
    const int nth_change = changes ? static_cast<int>(changes_.size()) : 0;
    if (hook_) {
      const Decision decision = hook_({name, nth_of_call, nth_change});
      if (decision.action != Action::kPass) return decision;
    }
    if (const auto once = nth_.find({name, nth_of_call}); once != nth_.end()) {
      return {Action::kFail, once->second};
    }
    if (const auto always = always_.find(name); always != always_.end()) {
      return {Action::kFail, always->second};
    }
    if (changes && nth_change == crash_after_change_) return {Action::kCrashAfter, EIO};
    return {};
  }

  tl::unexpected<Error> Die(const char* name) {
    {
      const std::lock_guard lock(mutex_);
      crashed_ = true;
    }
    if (crash_mode_ == CrashMode::kThrow) throw Crash{};
    return Fail(EIO, name);
  }

  sys::Calls& real_;
  mutable std::mutex mutex_;
  Hook hook_;
  std::map<std::string, int, std::less<>> always_;
  std::map<std::pair<std::string, int>, int> nth_;
  std::map<std::string, int, std::less<>> counts_;
  std::vector<std::string> changes_;
  int crash_after_change_ = 0;
  bool crashed_ = false;
  CrashMode crash_mode_ = CrashMode::kFreeze;
};

}  // namespace blendfs::testing
