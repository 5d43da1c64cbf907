// SPDX-License-Identifier: MIT
// The workloads by name. Each makes its measurement over a mounted file system and dies when the
// result is not what a correct file system gives. Thread-safety: one thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "workloads/meta/measure.h"

namespace blendload {

struct Where {
  std::string name;  // of the case: the folder of its own files is root/name
  std::string root;  // of the mounted file system
  std::vector<pid_t> daemons;
  int layers = 0;  // of the union, for the cases layers*

  std::string folder() const { return root + "/" + name; }
};

using Run = std::function<Result(const Where&)>;
using Cases = std::map<std::string, Run>;

// "layersN-find" and its kin are here as "layers-find".
void AddWalkCases(Cases& cases);
void AddDataCases(Cases& cases);
void AddNameCases(Cases& cases);
void AddLowerCases(Cases& cases);
void AddUntarCase(Cases& cases);
void AddLayerCases(Cases& cases);

// Entries below a directory and the sum of their sizes, each one looked at with lstat.
struct Walked {
  uint64_t entries = 0;
  uint64_t file_bytes = 0;
};
Walked Walk(const std::string& dir);

}  // namespace blendload
