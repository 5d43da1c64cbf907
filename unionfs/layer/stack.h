// SPDX-License-Identifier: MIT
// The layers of one mount, top to bottom, opened once and then only used through descriptors.
// Thread-safety: immutable after Open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unionfs/layer/format.h"
#include "unionfs/sys/filesystem.h"

namespace blendfs::layer {

// Index of a layer in the stack: 0 is the upper (when there is one), then the lowers top to bottom.
// kNoLayer says "none".
using LayerIndex = uint16_t;
inline constexpr LayerIndex kNoLayer = 0xffff;
inline constexpr size_t kMaxLayers = 500;

struct Layer {
  std::string path;  // as given, for messages only
  UniqueFd given;    // the directory on the mount where it was found, which it keeps busy
  // What the layer is worked through. Where we may make mounts, a lower is on a read-only one of its own, and so
  // is an upper whose access times are to move otherwise than on the mount given.
  UniqueFd root;     // O_PATH|O_DIRECTORY
  UniqueFd mount;    // a real (non-O_PATH) descriptor of it: syncfs, open_by_handle_at
  uint64_t dev = 0;  // st_dev
  uint32_t fs = 0;   // small number, equal for layers on the same file system; upper's is 0
  std::vector<uint8_t> uuid;  // 16 bytes of the file system, zeros if unknown
  bool writable = false;
  bool handles = false;          // name_to_handle_at and open_by_handle_at work on it
  bool lasting_handles = false;  // for objects that the kernel has forgotten too
};

// What a stack is opened for. kLook writes nothing and leaves the work directory as it is, whatever a crash or a
// volatile mount left there; an upper that a mount uses is no error then (Stack::in_use).
enum class Access { kMount, kLook };

// Directories that were renamed find their lower parts by a redirect: overlayfs's redirect_dir. To make one takes
// kMake; without it such a rename fails with EXDEV, and mv(1) copies. kRefuse: a directory with one fails with EPERM.
enum class Redirects { kMake, kFollow, kRefuse };

struct StackConfig {
  std::vector<std::string> lowers;  // top to bottom, at least one
  std::string upper;                // empty = read-only union
  std::string work;                 // required with upper, on the same mount, not inside it
  bool userxattr = false;
  bool for_others = false;  // others than who mounts will use the union
  // Unset: kRefuse with userxattr for root and for others, else kMake. A mark that anybody can set must not lead one
  // who has more rights to what the marker may not read.
  std::optional<Redirects> redirects;
  sys::MountChange upper_mount;  // how access times move in the upper
  bool volatile_upper = false;   // fsync=volatile: marks work/incompat/volatile as overlayfs does
  Access access = Access::kMount;
};

class Stack {
 public:
  // Opens and checks everything: existence, type, upper and work on one mount and disjoint, work
  // usable (whiteouts, trusted xattrs, RENAME_WHITEOUT, O_TMPFILE are probed), recovers the work
  // directory (leftovers of an interrupted copy-up are removed), takes an exclusive lock on upper and
  // work (EBUSY if another mount holds it). `problem` receives one clear line with the remedy on
  // failure.
  static Result<Stack> Open(sys::Calls& os, const StackConfig& config, std::string* problem);

  const std::vector<Layer>& layers() const { return layers_; }
  const Layer& layer(LayerIndex index) const { return layers_[index]; }
  bool has_upper() const { return has_upper_; }
  LayerIndex first_lower() const { return has_upper_ ? 1 : 0; }
  const Format& format() const { return format_; }
  Redirects redirects() const { return redirects_; }
  // Real directory descriptors of work/work, and of work/index, for hard links. With kLook they may be missing.
  BorrowedFd work() const { return work_.borrow(); }
  BorrowedFd index() const { return index_.borrow(); }
  bool has_tmpfile() const { return has_tmpfile_; }
  bool has_rename_whiteout() const { return has_rename_whiteout_; }
  // Of the upper: sys::WrittenOutComesBeforeNames.
  bool orders_names() const { return orders_names_; }
  bool volatile_upper() const { return volatile_; }
  // Opened with kLook only: somebody else holds the locks. Otherwise they are ours here as well.
  bool in_use() const { return in_use_; }

 private:
  Stack() : format_(false) {}
  friend class StackOpener;
  std::vector<Layer> layers_;
  Format format_;
  Redirects redirects_ = Redirects::kMake;
  UniqueFd work_, index_, upper_lock_, work_lock_;
  bool has_upper_ = false, has_tmpfile_ = false, has_rename_whiteout_ = false, volatile_ = false;
  bool orders_names_ = false, in_use_ = false;
};

}  // namespace blendfs::layer
