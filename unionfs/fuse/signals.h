// SPDX-License-Identifier: MIT
// A thread that waits for the signals of a session, so that no handler runs in the middle of anything.
// Thread-safety: made and ended by one thread; the actions run on the signal thread.
#pragma once

#include <functional>
#include <thread>

#include "unionfs/base/unique_fd.h"

namespace blendfs::fuse {

struct SignalActions {
  std::function<void(int signal)> terminate;  // SIGTERM, SIGINT, SIGHUP
  std::function<void()> report;               // SIGUSR1
};

class SignalThread {
 public:
  explicit SignalThread(SignalActions actions);
  ~SignalThread();  // ends the thread

 private:
  void Loop();

  SignalActions actions_;
  UniqueFd stop_;
  std::thread thread_;
};

}  // namespace blendfs::fuse
