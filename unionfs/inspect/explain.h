// SPDX-License-Identifier: MIT
// Why a path of the union shows what it shows: what each layer has under that name, and what of it counts.
// Thread-safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "unionfs/inspect/look.h"

namespace blendfs::inspect {

// What one layer has.
struct Holding {
  layer::LayerIndex layer = layer::kNoLayer;
  std::string path;    // from the layer's root
  mode_t mode = 0;     // as on disk
  std::string role;    // "provides", "merged", "data", "whiteout", "shadowed"
  bool index = false;  // not under a name, but an entry of the work directory's index
  layer::Marks marks;
};

struct Explanation {
  std::string path;
  int error = 0;                  // errno of a lookup: 0 where the union shows something
  std::string why;                // of an error
  mode_t mode = 0;                // as the union shows it
  uint64_t ino = 0;               // st_ino
  uint32_t links = 0;             // st_nlink
  bool indexed = false;           // a file whose names are kept together by the index
  bool metacopy = false;          // its data are in another layer than its attributes
  std::string origin;             // "" none; "unknown", "nowhere", or the layer it leads into
  uint64_t origin_ino = 0;        // where it leads somewhere
  std::vector<Holding> holdings;  // top to bottom
};

// An error of the look itself (a disk that cannot be read) is one; a path that is not there is not.
Result<Explanation> Explain(merge::Union& fs, const std::string& path);

std::string ToText(const layer::Stack& stack, const Explanation& explanation);
std::string ToJson(const layer::Stack& stack, const Explanation& explanation);

}  // namespace blendfs::inspect
