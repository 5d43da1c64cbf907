// SPDX-License-Identifier: MIT
// Finds what a name in a directory of the union stands for, over all layers, without making a node.
// Thread-safety: yes.
#pragma once

#include "unionfs/merge/state.h"

namespace blendfs::merge {

// A directory's place in one lower layer.
struct FoundDir {
  layer::LayerIndex layer = layer::kNoLayer;
  UniqueFd fd;  // O_PATH
  layer::Marks marks;
};

struct Found {
  sys::FileStat stat;                         // of the object that gives the attributes
  bool shown_whiteout = false;                // an empty file, shown as a device 0:0
  bool upper = false;                         // that object is on the upper
  bool named = false;                         // there, under this very name
  ObjectKey key;                              // identity
  layer::Marks marks;                         // of the upper object, where they were needed
  layer::LayerIndex lower = layer::kNoLayer;  // topmost lower layer with the object
  mode_t type() const { return shown_whiteout ? S_IFCHR : stat.mode & S_IFMT; }
  // A directory's places.
  UniqueFd upper_dir;
  std::vector<FoundDir> lowers;
  // A metadata-only copy's data: O_PATH of the lower file, and a layer on its file system.
  UniqueFd data;
  layer::LayerIndex data_layer = layer::kNoLayer;
  // A lower file with other links that was copied up under another name: O_PATH of the index entry.
  UniqueFd index_entry;
  int64_t link_count = -1;  // st_nlink of an indexed file in the union
  int64_t lower_links = 0;  // st_nlink of the lower file an upper one was copied from
};

// ENOENT where the union has no such name; EIO, as said by kNoDataBelow, for a metadata-only copy without
// its data; EPERM, as said by the other two, for a mark that is not to be followed here.
inline constexpr char kNoDataBelow[] = "metadata-only copy without its data";
inline constexpr char kRedirectRefused[] = "redirect that this mount does not follow";
inline constexpr char kCopyRefused[] = "metadata-only copy, which userxattr does not allow";
inline bool IsOfMarks(const Error& error) {
  return error.doing == kNoDataBelow || error.doing == kRedirectRefused ||
         error.doing == kCopyRefused;
}
Result<Found> Find(State& state, Node& parent, const std::string& name);

// True if a lower layer shows something under that name: removing the upper's needs a whiteout.
// Only for parents with lower places.
Result<bool> LowerHas(State& state, Node& parent, const std::string& name);

// True for a whiteout of either form.
Result<bool> IsWhiteout(State& state, BorrowedFd dir, const std::string& name,
                        const sys::FileStat& stat, bool xattr_form);

}  // namespace blendfs::merge
