// SPDX-License-Identifier: MIT
// Directory listings: the names of all layers, each once, without the whiteouts.
#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "unionfs/merge/lookup.h"
#include "unionfs/merge/lower_names.h"

namespace blendfs::merge {

namespace {

// Merges one directory's layers, top to bottom.
class Merger {
 public:
  Merger(State& state, Node& node) : state_(state), node_(node) {}

  Result<std::vector<DirItem>> Run() {
    const Directory& dir = *node_.dir;
    const bool single = !dir.upper_fd() ? dir.lowers.size() == 1 : dir.lowers.empty();
    if (const BorrowedFd upper = dir.upper_fd()) {
      const bool impure = dir.impure.load(std::memory_order_acquire);
      const bool shown = dir.shown_whiteouts.load(std::memory_order_acquire);
      BLENDFS_TRY(AddLayer(upper, 0, dir.upper_xattr_whiteouts, shown, single, impure));
      upper_items_ = items_.size();
      if (impure) upper_doubtful_ = upper_items_;
    }
    if (WantsNameIndex(dir)) names_.emplace();
    for (const LowerDir& lower : dir.lowers) {
      const uint32_t fs = state_.stack.layer(lower.layer).fs;
      BLENDFS_TRY(AddLayer(lower.fd.borrow(), fs, lower.xattr_whiteouts, lower.shown_whiteouts,
                           single, lower.impure));
      ++place_;
    }
    if (names_) SetNameIndex(*node_.dir, *names_);
    BLENDFS_TRY(SettleInodes());
    return std::move(items_);
  }

 private:
  Status AddLayer(BorrowedFd fd, uint32_t fs, bool xattr_whiteouts, bool shown_whiteouts,
                  bool single, bool impure) {
    BLENDFS_ASSIGN(auto entries, state_.os.List(fd));
    items_.reserve(items_.size() + entries.size());
    for (sys::DirEntry& entry : entries) {
      if (names_) names_->Add(place_, entry.name);
      if (!single) {
        auto [seen, fresh] = seen_.try_emplace(entry.name, items_.size());
        if (!fresh) {
          // The upper's directory merges with it: the identity is the lower one's.
          if (entry.type == DT_DIR && seen->second < upper_items_) merged_.insert(seen->second);
          continue;
        }
      }
      BLENDFS_ASSIGN(const bool whiteout, IsHidden(fd, entry, xattr_whiteouts));
      if (whiteout) {
        if (!single) seen_[entry.name] = kHidden;
        continue;
      }
      if (shown_whiteouts) SettleType(fd, entry);
      if (impure && fs != 0) merged_.insert(items_.size());
      const uint64_t ino = MapIno(state_, ObjectKey{fs, entry.ino});
      items_.push_back(DirItem{std::move(entry.name), ino, entry.type, 0});
    }
    return {};
  }

  Result<bool> IsHidden(BorrowedFd fd, const sys::DirEntry& entry, bool xattr_whiteouts) {
    const bool candidate = entry.type == DT_CHR || (xattr_whiteouts && entry.type == DT_REG);
    if (!candidate) return false;
    auto stat = state_.os.Stat(fd, entry.name.c_str());
    if (!stat)
      return stat.error().code == ENOENT ? Result<bool>(true) : tl::unexpected(stat.error());
    return IsWhiteout(state_, fd, entry.name, *stat, xattr_whiteouts);
  }

  // An empty file may be shown as a device 0:0.
  void SettleType(BorrowedFd fd, sys::DirEntry& entry) {
    if (entry.type != DT_REG) return;
    auto stat = state_.os.Stat(fd, entry.name.c_str());
    if (!stat || stat->size != 0) return;
    auto marks = layer::ReadMarks(state_.os, state_.format(), fd, entry.name.c_str());
    if (marks && marks->shown_whiteout) entry.type = DT_CHR;
  }

  // d_ino is what st_ino will say: entries whose identity may not be their own are looked up.
  Status SettleInodes() {
    for (size_t i = 0; i < items_.size(); ++i) {
      if (i >= upper_doubtful_ && !merged_.contains(i)) continue;
      Found found;
      const auto node = LookupNode(state_, node_, items_[i].name, &found);
      if (node) {
        items_[i].ino = (*node)->ino;
      } else if (!IsOfTheEntry(node.error())) {
        return tl::unexpected(node.error());  // the kernel would keep a wrong number
      }
    }
    return {};
  }

  // Gone meanwhile, or nothing that can be opened: the layer's number is as good.
  static bool IsOfTheEntry(const Error& error) {
    return error.code == ENOENT || error.code == ESTALE || IsOfMarks(error);
  }

  static constexpr size_t kHidden = SIZE_MAX;
  State& state_;
  Node& node_;
  std::vector<DirItem> items_;
  std::unordered_map<std::string, size_t> seen_;
  std::unordered_set<size_t> merged_;
  std::optional<NameIndex::Builder>
      names_;               // of the lower places, from the first on, where they have no index yet
  uint32_t place_ = 0;      // the one that is being read
  size_t upper_items_ = 0;  // items before it are the upper's
  size_t upper_doubtful_ = 0;  // and those before this one may have an origin
};

// 1 and 2 are "." and "..". So many bits that no two names of a directory meet: where they do, the offset of one
// depends on whether the other is there.
constexpr off_t kDotOffset = 1, kDotDotOffset = 2, kFirstOffset = 3;
constexpr size_t kOffsetMask = 0x3fffffffffffffff;

void SetOffsets(std::vector<DirItem>& items) {
  for (DirItem& item : items) {
    const size_t hash = std::hash<std::string>()(item.name);
    item.offset = std::max(static_cast<off_t>(hash & kOffsetMask), kFirstOffset);
  }
  std::sort(items.begin(), items.end(), [](const DirItem& a, const DirItem& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.name < b.name;
  });
  off_t last = 0;
  for (DirItem& item : items) {  // names of one hash take the next free offsets
    item.offset = std::max(item.offset, last + 1);
    last = item.offset;
  }
}

class Listing : public OpenDir {
 public:
  Listing(State& state, Node& node) : state_(state), node_(NodeRef::Share(state.table, node)) {}
  Node& node() override { return *node_; }
  Status Refresh() override {
    items_.clear();
    if (node_->unlinked.load(std::memory_order_acquire)) return {};
    BLENDFS_ASSIGN(std::vector<DirItem> merged, Merger(state_, *node_).Run());
    SetOffsets(merged);
    items_.reserve(merged.size() + 2);
    items_.push_back(DirItem{".", node_->ino, DT_DIR, kDotOffset});
    items_.push_back(DirItem{"..", ParentIno(), DT_DIR, kDotDotOffset});
    std::move(merged.begin(), merged.end(), std::back_inserter(items_));
    return {};
  }
  const std::vector<DirItem>& items() const override { return items_; }

 private:
  // The root is its own parent.
  uint64_t ParentIno() const {
    if (node_.get() == state_.root) return node_->ino;
    return CurrentLocation(state_, *node_).parent->ino;
  }

  State& state_;
  NodeRef node_;
  std::vector<DirItem> items_;
};

}  // namespace

Result<std::unique_ptr<OpenDir>> Union::OpenDirectory(Node& node) {
  if (!node.IsDir()) return Fail(ENOTDIR);
  return std::unique_ptr<OpenDir>(std::make_unique<Listing>(*state_, node));
}

}  // namespace blendfs::merge
