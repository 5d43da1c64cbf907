// SPDX-License-Identifier: MIT
// Whether more requests wait than one thread should serve. Values only; one thread.
#pragma once

#include <sys/types.h>

namespace blendfs::fuse {

class Backlog {
 public:
  // For each request: whether it was waiting already, who asks (0 if unknown), and whether its caller may have sent
  // others that still wait. True when so many in a row were waiting that could be served at the same time. Those of one
  // caller mostly cannot: who shares the server's processor asks again before the server goes on.
  bool Add(bool waited, pid_t caller, bool one_of_many) {
    if (!waited) {
      length_ = 0;
    } else if (one_of_many || (caller != 0 && caller != caller_)) {
      ++length_;
    }
    if (caller != 0) caller_ = caller;
    return length_ >= kMuch;
  }

 private:
  static constexpr int kMuch = 4;
  int length_ = 0;
  pid_t caller_ = 0;
};

}  // namespace blendfs::fuse
