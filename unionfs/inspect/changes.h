// SPDX-License-Identifier: MIT
// What an upper changes against the lowers: the union with it beside the union without it, walked only where the
// upper has something.
// Thread-safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "unionfs/inspect/look.h"

namespace blendfs::inspect {

enum class ChangeKind {
  kSame,      // on the upper, and no different: a parent of a change, or copied up for nothing
  kAdded,     // nothing of that name below
  kContent,   // other bytes, target or device number
  kMetadata,  // other mode, owner, attributes or times
  kReplaced,  // another type
  kRemoved,
  kOpaque,   // a directory that shows nothing of the one below it
  kRenamed,  // a directory or a metadata-only copy whose lower part has another name
};
const char* ChangeWord(ChangeKind kind);

struct Change {
  ChangeKind kind = ChangeKind::kSame;
  std::string path;             // in the union
  std::string from{};           // of a rename: where the lower layers have it
  bool metadata = false;        // kContent, kRenamed: metadata are others too
  mode_t mode = 0;              // type; of what was removed when it was
  merge::Node* node = nullptr;  // in the union with the upper; null for what was removed
};

class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  // A directory comes before what is in it. An error ends the walk.
  virtual Status Take(const Change& change) = 0;
};

enum class Renames {
  kTell,  // as such, with the changes inside
  kExpand,  // as removed there and added here with all that is inside: for who cannot follow a redirect
};

// `above` has the upper, `below` the same lowers without it. What could not be read gets a line in `problems` each
// and is left out; an error is the sink's.
Status WalkChanges(merge::Union& above, merge::Union& below, Renames renames, ChangeSink& sink,
                   std::vector<std::string>* problems);

std::string ToText(const Change& change);
std::string ToJson(const Change& change);

}  // namespace blendfs::inspect
