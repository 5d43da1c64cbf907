// SPDX-License-Identifier: MIT
// What a thread must own before it may act for somebody else: its own umask and working directory,
// its fsuid and fsgid, and a way to name a descriptor by path without a mounted /proc.
// Internal to sys/. Thread-safety: state is per thread; the procfs descriptor is shared.
#pragma once

#include "unionfs/sys/calls.h"

namespace blendfs::sys::thread {

// Makes this thread ready, once (again in the child of a fork). Cheap when it already is.
void Ensure();

// Whether the working directory is this thread's alone, so that fchdir disturbs nobody.
bool OwnsWorkingDirectory();

// Acts as `creator` while it lives. What was applied stays applied where that is harmless
// (capabilities are kept), so that a run of creations by one user costs nothing; otherwise the
// thread's own identity comes back at the end. status(): EPERM if we may not act as that user.
class ActAs {
 public:
  explicit ActAs(const Creator& creator);
  ~ActAs();
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;
  const Status& status() const { return status_; }

 private:
  Status status_;
};

// A directory descriptor in which "N" is descriptor N of this process (/proc/self/fd), -1 with
// errno ENOSYS if there is no procfs to be had. Works whatever happens to /proc later.
int FdDirectory();

// The root of a procfs to open paths beneath, -1 if there is none to be had. Stays open.
int ProcRoot();

// "N" as a path below FdDirectory().
class FdName {
 public:
  explicit FdName(BorrowedFd fd);
  const char* c_str() const { return text_; }

 private:
  char text_[16];
};

}  // namespace blendfs::sys::thread
