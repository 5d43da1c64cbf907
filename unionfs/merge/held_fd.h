// SPDX-License-Identifier: MIT
// Descriptors of layers' objects that nodes hold, one for each directory and layer above all, and the keeper that
// bounds how many of them are open: those that nobody has used for a while are closed, and opened again by their
// file handle at the next use.
//
// Thread-safety: all methods. A descriptor that was borrowed stays open as long as a FdKeeper::Use lives that was
// begun before; whoever never calls Trim (tools that look at layers, tests) needs none.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "unionfs/layer/stack.h"

namespace blendfs::merge {

class FdKeeper;

class HeldFd {
 public:
  HeldFd() = default;
  HeldFd(const HeldFd&) = delete;
  HeldFd& operator=(const HeldFd&) = delete;
  ~HeldFd();

  // Once. O_PATH, of an object of that layer.
  void Set(FdKeeper& keeper, const layer::Layer& layer, UniqueFd fd);
  bool is_set() const { return fd_.load(std::memory_order_acquire) != kUnset; }
  // Invalid where none was set. What cannot be opened again is a descriptor that every call answers with EBADF:
  // it must not pass for none.
  BorrowedFd borrow() const;
  // From here on it stays open: the object is about to lose its name, and a handle would lead nowhere.
  void StayOpen() const;
  void MayClose() const;  // takes that back

 private:
  friend class FdKeeper;
  static constexpr int kUnset = -1, kClosed = -2, kLost = INT32_MAX;
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  mutable std::atomic<int> fd_{kUnset};
  mutable std::atomic<bool> used_{false};
  mutable uint32_t slot_ = kNoSlot;  // in the keeper's list of those it may close; by its mutex
  FdKeeper* keeper_ = nullptr;
  const layer::Layer* layer_ = nullptr;
  mutable std::unique_ptr<const sys::Handle> handle_;  // known from the first closing on
};

// Keeps one open while its object loses its name, and for good when Gone says that it has.
class OpenOverRemoval {
 public:
  explicit OpenOverRemoval(const HeldFd& held) : held_(held) { held.StayOpen(); }
  OpenOverRemoval(const OpenOverRemoval&) = delete;
  OpenOverRemoval& operator=(const OpenOverRemoval&) = delete;
  ~OpenOverRemoval() {
    if (!gone_) held_.MayClose();
  }
  void Gone() { gone_ = true; }

 private:
  const HeldFd& held_;
  bool gone_ = false;
};

class FdKeeper {
 public:
  // `most`: how many may be open. What has no handle that lasts is counted, but never closed.
  FdKeeper(sys::Calls& os, size_t most) : os_(os), most_(most) {}

  // Around everything that borrows, from the outermost function on; not nested.
  using Use = std::shared_lock<std::shared_mutex>;
  Use Begin() { return Use(in_use_); }
  // Closes some if too many are open. Never within a Use. Waits for others' only when far too many are.
  void Trim();

  // What it means that a borrowed descriptor was answered with EBADF in this thread: ESTALE, or what the process was
  // short of when it had to be opened again (EMFILE, ENFILE, ENOMEM).
  static int LostBecause();

  size_t open() const { return open_.load(std::memory_order_relaxed); }

 private:
  friend class HeldFd;
  void Add(const HeldFd& held);
  void Remove(const HeldFd& held);
  void Fix(const HeldFd& held);
  void Unfix(const HeldFd& held);
  int Reopen(const HeldFd& held);
  void CloseSome();
  bool Close(const HeldFd& held);
  void Enlist(const HeldFd& held);
  void Delist(const HeldFd& held);

  sys::Calls& os_;
  const size_t most_;
  std::shared_mutex in_use_;
  std::mutex mutex_;
  std::vector<const HeldFd*> closable_;  // a clock, by mutex_
  size_t hand_ = 0;                      // by mutex_
  std::atomic<size_t> open_{0};
  std::atomic<size_t> trim_at_{
      0};  // how many open make the next attempt worth while, where one did not help
};

}  // namespace blendfs::merge
