// SPDX-License-Identifier: MIT
#include "unionfs/merge/held_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace blendfs::merge {

namespace {

thread_local int lost_because = ESTALE;

}  // namespace

HeldFd::~HeldFd() {
  if (is_set()) keeper_->Remove(*this);
}

void HeldFd::Set(FdKeeper& keeper, const layer::Layer& layer, UniqueFd fd) {
  if (!fd) return;
  keeper_ = &keeper;
  layer_ = &layer;
  fd_.store(fd.release(), std::memory_order_release);
  keeper.Add(*this);
}

BorrowedFd HeldFd::borrow() const {
  int fd = fd_.load(std::memory_order_acquire);
  if (fd == kClosed) fd = keeper_->Reopen(*this);
  if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  return BorrowedFd(fd);
}

void HeldFd::StayOpen() const {
  if (is_set()) keeper_->Fix(*this);
}

void HeldFd::MayClose() const {
  if (is_set()) keeper_->Unfix(*this);
}

int FdKeeper::LostBecause() { return lost_because; }

void FdKeeper::Trim() {
  const size_t open = open_.load(std::memory_order_relaxed);
  if (open <= most_ || open < trim_at_.load(std::memory_order_relaxed)) return;
  std::unique_lock alone(in_use_, std::defer_lock);
  if (open > most_ + most_ / 4) {
    alone.lock();
  } else if (!alone.try_lock()) {
    return;
  }
  CloseSome();
}

void FdKeeper::Add(const HeldFd& held) {
  open_.fetch_add(1, std::memory_order_relaxed);
  if (!held.layer_->lasting_handles) return;
  const std::lock_guard lock(mutex_);
  Enlist(held);
}

void FdKeeper::Remove(const HeldFd& held) {
  if (held.layer_->lasting_handles) {
    const std::lock_guard lock(mutex_);
    Delist(held);
  }
  const int fd = held.fd_.load(std::memory_order_relaxed);
  if (fd == HeldFd::kClosed) return;
  ::close(fd);
  open_.fetch_sub(1, std::memory_order_relaxed);
}

void FdKeeper::Fix(const HeldFd& held) {
  (void)held.borrow();
  const std::lock_guard lock(mutex_);
  Delist(held);
}

void FdKeeper::Unfix(const HeldFd& held) {
  if (!held.layer_->lasting_handles) return;
  const std::lock_guard lock(mutex_);
  if (held.slot_ == HeldFd::kNoSlot && held.fd_.load(std::memory_order_relaxed) >= 0) Enlist(held);
}

int FdKeeper::Reopen(const HeldFd& held) {
  // Without the lock, which a disk would hold up for all. The handle stays: only Close sets it, alone.
  auto fd = os_.OpenHandle(held.layer_->mount.borrow(), *held.handle_, O_PATH);
  if (!fd) {
    const int code = fd.error().code;
    lost_because = code == EMFILE || code == ENFILE || code == ENOMEM ? code : ESTALE;
    return HeldFd::kLost;
  }
  const std::lock_guard lock(mutex_);
  if (const int other = held.fd_.load(std::memory_order_acquire); other != HeldFd::kClosed)
    return other;
  const int number = fd->release();
  held.fd_.store(number, std::memory_order_release);
  open_.fetch_add(1, std::memory_order_relaxed);
  Enlist(held);
  return number;
}

// Alone: nobody has borrowed any. A quarter goes at once, for looking at all that are used costs time.
void FdKeeper::CloseSome() {
  const std::lock_guard lock(mutex_);
  const size_t goal = most_ - most_ / 4;
  // Twice round: the first may find all of them used.
  for (size_t looks = 2 * closable_.size(); looks > 0 && !closable_.empty(); --looks) {
    if (open_.load(std::memory_order_relaxed) <= goal) break;
    if (hand_ >= closable_.size()) hand_ = 0;
    const HeldFd& held = *closable_[hand_];
    if (held.used_.exchange(false, std::memory_order_relaxed) || !Close(held)) ++hand_;
  }
  const size_t open = open_.load(std::memory_order_relaxed);
  trim_at_.store(open > goal ? open + most_ / 4 : 0, std::memory_order_relaxed);
}

bool FdKeeper::Close(const HeldFd& held) {
  const int fd = held.fd_.load(std::memory_order_relaxed);
  if (!held.handle_) {
    auto handle = os_.NameToHandle(BorrowedFd(fd), "");
    if (!handle) return false;
    held.handle_ = std::make_unique<const sys::Handle>(std::move(*handle));
  }
  Delist(held);
  held.fd_.store(HeldFd::kClosed, std::memory_order_release);
  ::close(fd);
  open_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void FdKeeper::Enlist(const HeldFd& held) {
  held.slot_ = static_cast<uint32_t>(closable_.size());
  closable_.push_back(&held);
}

void FdKeeper::Delist(const HeldFd& held) {
  if (held.slot_ == HeldFd::kNoSlot) return;
  closable_[held.slot_] = closable_.back();
  closable_[held.slot_]->slot_ = held.slot_;
  closable_.pop_back();
  held.slot_ = HeldFd::kNoSlot;
}

}  // namespace blendfs::merge
