// SPDX-License-Identifier: MIT
// The lower places of a directory that have to be asked for a name. Keeps count of those asked in vain, and makes the
// directory's index of names (name_index.h) when that has cost as much as the index does; a listing, which reads
// all names anyhow, makes it by the way.
// Thread-safety: yes; the directory must live.
#pragma once

#include <optional>
#include <string_view>

#include "unionfs/merge/name_index.h"
#include "unionfs/merge/state.h"

namespace blendfs::merge {

class LowerNames {
 public:
  LowerNames(const Directory& dir, std::string_view name);

  // Whether the place may have the name.
  bool MayHave(const LowerDir& place) const;

 private:
  const Directory& dir_;
  std::optional<NameIndex::Places> places_;
};

// So many places of the directory were asked for a name that they did not have.
void CountVain(State& state, Directory& dir, uint32_t places);

// A directory with a single lower place is as well off without.
inline bool WantsNameIndex(const Directory& dir) {
  return dir.lowers.size() > 1 && dir.names.load(std::memory_order_acquire) == nullptr;
}
void SetNameIndex(Directory& dir, NameIndex::Builder& names);

}  // namespace blendfs::merge
