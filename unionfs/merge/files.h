// SPDX-License-Identifier: MIT
// An open regular file. Its descriptor follows a copy-up; one of a lower layer is only made when it is asked for.
// Thread-safety: all methods.
#pragma once

#include "unionfs/merge/state.h"

namespace blendfs::merge {

class RegularFile : public OpenFile {
 public:
  // `upper`: a descriptor of the upper file, unless the data are below.
  RegularFile(State& state, Node& node, int flags, UniqueFd upper);
  ~RegularFile() override;
  Node& node() override { return *node_; }
  int flags() const override { return flags_; }
  Result<BorrowedFd> data() override;
  bool on_upper() const override;

 private:
  State& state_;
  NodeRef node_;
  const int flags_;
  std::mutex switching_;
  std::atomic<int> upper_, lower_{-1};  // lower_ stays open: somebody may be reading it
};

// Opens the file that has the node's data now.
Result<UniqueFd> OpenNodeData(State& state, Node& node, int flags);

}  // namespace blendfs::merge
