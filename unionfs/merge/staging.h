// SPDX-License-Identifier: MIT
// The work directory: objects are made there whole and published by one rename or link, so that a
// crash leaves the old state or the new one; what a crash leaves in the work directory is removed at
// the next mount. And whiteouts, which take the same way.
// Thread-safety: yes.
#pragma once

#include "unionfs/merge/state.h"

namespace blendfs::merge {

// blendfs itself as the maker of an object.
sys::Creator Ourselves();

// Keeps a directory's atime and mtime over what is done inside it. Best effort.
class KeepTimes {
 public:
  KeepTimes(State& state, BorrowedFd directory);
  ~KeepTimes();
  KeepTimes(const KeepTimes&) = delete;
  KeepTimes& operator=(const KeepTimes&) = delete;

 private:
  State& state_;
  BorrowedFd directory_;
  Result<sys::FileStat> before_;
};

// A name in the work directory; what is there when this goes is removed (a directory with what is in
// it: whiteouts only).
class Staged {
 public:
  explicit Staged(State& state) : state_(state), name_(state.TempName()) {}
  ~Staged();
  Staged(const Staged&) = delete;
  Staged& operator=(const Staged&) = delete;

  const char* name() const { return name_.c_str(); }
  BorrowedFd dir() const { return state_.stack.work(); }
  // Moves it out; with RENAME_EXCHANGE what was there is removed later with this object.
  Status Publish(BorrowedFd to, const std::string& name, unsigned flags);
  // The other way: an object of the upper goes as a whole, to be removed with this object.
  Status TakeIn(BorrowedFd from, const std::string& name);
  void Expect() { there_ = true; }  // something was made under the name

 private:
  State& state_;
  std::string name_;
  bool there_ = false;
};

// A directory to make an object in that shall inherit from `parent` (an upper directory) as if it were
// made there: setgid and default ACL. The plain work directory where parent has neither.
class StagingArea {
 public:
  static Result<std::unique_ptr<StagingArea>> For(State& state, BorrowedFd parent);
  ~StagingArea();
  BorrowedFd dir() const { return own_ ? own_.borrow() : state_.stack.work(); }

 private:
  explicit StagingArea(State& state) : state_(state) {}
  State& state_;
  std::string name_;
  UniqueFd own_;
};

// Puts a whiteout where the upper has nothing.
Status PutWhiteout(State& state, BorrowedFd upper, const std::string& name);
// Puts a whiteout in place of an upper object, atomically. A directory's remains are cleared.
Status ReplaceByWhiteout(State& state, BorrowedFd upper, const std::string& name, bool directory);

// Removes what was just made on the upper, because telling of it failed; with a whiteout in its place
// again if it stands where one was. Best effort.
void TakeBack(State& state, BorrowedFd upper, const std::string& name, bool directory,
              bool over_whiteout);

// Removes one entry of the work directory, whatever it is.
void Discard(State& state, BorrowedFd dir, const char* name);

}  // namespace blendfs::merge
