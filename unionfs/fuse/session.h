// SPDX-License-Identifier: MIT
// One mount from its making to its end: negotiates with the kernel, serves requests on several threads, unmounts
// on SIGTERM, SIGINT and SIGHUP, writes statistics on SIGUSR1 and at the end.
//
// Life: Mount, then Run, which returns after the unmount when all has been synced. The signals named above must
// be blocked in every thread that exists before Run (BlockSignals does it).
// Thread-safety: one thread.
// Errors: Mount fails with one line in `problem`.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "unionfs/fuse/mount.h"
#include "unionfs/merge/union.h"

namespace blendfs::fuse {

struct SessionConfig {
  MountConfig mount;
  bool debug = false;       // log every request
  bool passthrough = true;  // where the kernel can
  bool io_uring = false;
  bool clone_device = false;  // a device descriptor for each thread
  unsigned threads = 10;
  std::chrono::microseconds look_for{100};  // for the next request, before a thread sleeps: loop.h
  bool volatile_upper = false;              // no sync at the end
  bool survive_signals = false;             // a root file system: SIGTERM and its like are ignored
  bool statistics = false;
  std::string statistics_file;  // empty: the log
  std::function<void()> ready;  // called once, when the kernel has been answered
};

void BlockSignals();

class Session {
 public:
  static Result<std::unique_ptr<Session>> Mount(merge::Union& fs, sys::Calls& os,
                                                SessionConfig config, std::string* problem);
  ~Session();
  // By this process, without fusermount3: it can unmount without a program too.
  bool mounted_directly() const;
  // Serves until the mount ends. Fails if the connection broke otherwise.
  Status Run();

 private:
  struct Parts;
  explicit Session(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace blendfs::fuse
