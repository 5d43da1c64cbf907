// SPDX-License-Identifier: MIT
#include "harness/guest/fd.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace blendbench {

std::string ErrnoText(const std::string& doing) {
  return doing + ": " + std::generic_category().message(errno);
}

Outcome<SocketPair> MakeSocketPair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return Unexpected(ErrnoText("cannot make a socket pair"));
  SocketPair pair{Fd(fds[0]), Fd(fds[1])};
  // O_NONBLOCK belongs to the open file description, so that the child's end stays blocking.
  if (::fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK) != 0)
    return Unexpected(ErrnoText("cannot make a socket non-blocking"));
  return pair;
}

}  // namespace blendbench
