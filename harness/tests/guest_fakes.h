// SPDX-License-Identifier: MIT
// The other end of a socket, played by a test: a script that answers lines, in a thread of its own.
// Thread-safety: the object belongs to the test's thread; the script runs in the peer's.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "harness/guest/event_loop.h"

namespace blendbench {

class FakePeer {
 public:
  // Blocking helpers for the script.
  class Line {
   public:
    explicit Line(int fd) : fd_(fd) {}
    // The next line the code under test sent, "" when it has closed its end.
    std::string Read() {
      std::string line;
      char c;
      while (::recv(fd_, &c, 1, 0) == 1) {
        if (c == '\n') return line;
        line += c;
      }
      return "";
    }
    void Write(const std::string& bytes) {
      size_t at = 0;
      while (at < bytes.size()) {
        const ssize_t sent = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (sent <= 0) return;
        at += static_cast<size_t>(sent);
      }
    }

   private:
    int fd_;
  };

  explicit FakePeer(std::function<void(Line&)> script) {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
    ours_.reset(fds[0]);
    theirs_.reset(fds[1]);
    ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
    thread_ = std::thread([this, script = std::move(script)] {
      Line line(theirs_.get());
      script(line);
    });
  }
  ~FakePeer() {
    ::shutdown(theirs_.get(), SHUT_RDWR);
    thread_.join();
  }
  // The end for the code under test; once.
  Fd Take() { return std::move(ours_); }
  void HangUp() { ::shutdown(theirs_.get(), SHUT_RDWR); }

 private:
  Fd ours_;
  Fd theirs_;
  std::thread thread_;
};

}  // namespace blendbench
