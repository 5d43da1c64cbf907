// SPDX-License-Identifier: MIT
// A file descriptor with an owner, and socket pairs, for everything the harness shares with a
// child. Thread-safety: as for an int.
#pragma once

#include <unistd.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace blendbench {

// What a call on a guest returns: a value, or one line that becomes the reason of a failed sample.
// (What stops the whole run is a Result, harness/base/exit_code.h.)
template <typename T>
using Outcome = tl::expected<T, std::string>;
inline tl::unexpected<std::string> Unexpected(std::string message) {
  return tl::unexpected<std::string>(std::move(message));
}

// Closes its descriptor when it goes.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Two connected stream sockets, close-on-exec. `ours` does not block; `theirs` is meant for a
// child.
struct SocketPair {
  Fd ours;
  Fd theirs;
};
Outcome<SocketPair> MakeSocketPair();

// "doing: the text of errno".
std::string ErrnoText(const std::string& doing);

}  // namespace blendbench
