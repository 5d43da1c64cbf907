// SPDX-License-Identifier: MIT
// For what a process does once and for good: it is done in another.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace blendfs::testing {

// What `body` returns, 0 to 255, in a child process; -1 when it did not come to its end.
inline int InChild(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace blendfs::testing
