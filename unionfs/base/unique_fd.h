// SPDX-License-Identifier: MIT
// File descriptors with an owner. Every descriptor in blendfs is one of these two types.
// Thread-safety: as for an int.
#pragma once

#include <unistd.h>

#include <utility>

namespace blendfs {

// A descriptor somebody else keeps open for at least as long as this value is used.
class BorrowedFd {
 public:
  constexpr BorrowedFd() = default;
  constexpr explicit BorrowedFd(int fd) : fd_(fd) {}
  constexpr int get() const { return fd_; }
  constexpr explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Closes its descriptor when it goes.
class UniqueFd {
 public:
  constexpr UniqueFd() = default;
  constexpr explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  BorrowedFd borrow() const { return BorrowedFd(fd_); }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace blendfs
