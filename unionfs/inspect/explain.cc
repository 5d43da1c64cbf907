// SPDX-License-Identifier: MIT
#include "unionfs/inspect/explain.h"

#include <fcntl.h>

#include <algorithm>

#include "unionfs/merge/links.h"

namespace blendfs::inspect {
namespace {

constexpr char kProvides[] = "provides";
constexpr char kMerged[] = "merged";
constexpr char kData[] = "data";
constexpr char kWhiteout[] = "whiteout";
constexpr char kShadowed[] = "shadowed";

bool SaysAbsent(int code) {
  return code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG || code == ELOOP ||
         code == EINVAL;
}

// Looks at one name in one directory of the union.
class NameExplainer {
 public:
  NameExplainer(merge::Union& fs, merge::Node& parent, std::string name, Explanation& out)
      : fs_(fs), state_(fs.state()), parent_(parent), name_(std::move(name)), out_(out) {}

  // What the layers have is told before what the merge makes of it: that may be an error.
  Status Run(merge::NodeRef* node) {
    BLENDFS_TRY(SeeLayers());
    auto found = merge::Find(state_, parent_, name_);
    if (!found) return Absent(found.error());
    BLENDFS_TRY(SetRoles(*found));
    BLENDFS_TRY(SetOrigin(*found));
    auto made = merge::NodeFor(state_, parent_, name_, *found);
    if (!made) return Absent(made.error());
    *node = std::move(*made);
    return {};
  }

 private:
  Status Absent(const Error& error) {
    const bool of_the_path = SaysAbsent(error.code) || merge::IsOfMarks(error);
    if (!of_the_path) return tl::unexpected(error);
    out_.error = error.code;
    out_.why = Reason(error);
    return {};
  }

  Status SeeLayers() {
    const merge::Directory& dir = *parent_.dir;
    if (const BorrowedFd upper = dir.upper_fd()) {
      BLENDFS_TRY(SeeLayer(0, upper, dir.upper_xattr_whiteouts));
    }
    for (const merge::LowerDir& lower : dir.lowers) {
      BLENDFS_TRY(SeeLayer(lower.layer, lower.fd.borrow(), lower.xattr_whiteouts));
    }
    return {};
  }

  Status SeeLayer(layer::LayerIndex layer, BorrowedFd dir, bool xattr_whiteouts) {
    auto stat = state_.os.Stat(dir, name_.c_str());
    if (!stat && SaysAbsent(stat.error().code)) return {};
    if (!stat) return tl::unexpected(stat.error());
    Holding holding;
    holding.layer = layer;
    holding.path = Join(PathInLayer(state_.stack, layer, dir), name_);
    holding.mode = stat->mode;
    BLENDFS_ASSIGN(const bool whiteout,
                   merge::IsWhiteout(state_, dir, name_, *stat, xattr_whiteouts));
    BLENDFS_ASSIGN(holding.marks, layer::ReadMarks(state_.os, state_.format(), dir, name_.c_str()));
    holding.role = whiteout ? kWhiteout : kShadowed;
    inodes_.push_back(stat->ino);
    out_.holdings.push_back(std::move(holding));
    return {};
  }

  Status SetRoles(const merge::Found& found) {
    const bool by_name = found.upper && !found.index_entry;
    if (found.index_entry) AddIndexEntry(found);
    if (by_name) RoleAt(0, kProvides);
    if (found.stat.IsDir()) {
      for (const merge::FoundDir& lower : found.lowers) {
        const char* role = found.upper || &lower != &found.lowers.front() ? kMerged : kProvides;
        BLENDFS_TRY(SetLower(lower.layer, lower.fd.borrow(), role));
      }
    } else if (!found.upper) {
      RoleAt(found.lower, kProvides);
    }
    out_.metacopy = static_cast<bool>(found.data);
    if (found.data) BLENDFS_TRY(SetData(found));
    std::stable_sort(out_.holdings.begin(), out_.holdings.end(),
                     [](const Holding& a, const Holding& b) { return a.layer < b.layer; });
    return {};
  }

  void RoleAt(layer::LayerIndex layer, const char* role) {
    for (Holding& holding : out_.holdings) {
      if (holding.layer == layer && !holding.index) holding.role = role;
    }
  }

  // The object with the data is in a lower layer, which one only its inode number tells.
  Status SetData(const merge::Found& found) {
    BLENDFS_ASSIGN(const sys::FileStat stat, state_.os.StatFd(found.data.borrow()));
    for (size_t i = 0; i < inodes_.size(); ++i) {
      Holding& holding = out_.holdings[i];
      if (holding.role == kShadowed && inodes_[i] == stat.ino &&
          state_.stack.layer(holding.layer).dev == stat.dev) {
        holding.role = kData;
        return {};
      }
    }
    const auto& layers = state_.stack.layers();
    for (size_t i = state_.stack.first_lower(); i < layers.size(); ++i) {
      const auto layer = static_cast<layer::LayerIndex>(i);
      if (layers[i].dev != stat.dev) continue;
      if (PathInLayer(state_.stack, layer, found.data.borrow()) == "?") continue;
      return SetLower(layer, found.data.borrow(), kData);
    }
    return {};
  }

  // The holding of that name, or one that a redirect has led to.
  Status SetLower(layer::LayerIndex layer, BorrowedFd fd, const char* role) {
    BLENDFS_ASSIGN(const sys::FileStat stat, state_.os.StatFd(fd));
    for (size_t i = 0; i < inodes_.size(); ++i) {
      if (out_.holdings[i].layer != layer || inodes_[i] != stat.ino) continue;
      out_.holdings[i].role = role;
      return {};
    }
    Holding holding;
    holding.layer = layer;
    holding.path = PathInLayer(state_.stack, layer, fd);
    holding.role = role;
    holding.mode = stat.mode;
    BLENDFS_ASSIGN(holding.marks, layer::ReadMarksFd(state_.os, state_.format(), fd));
    out_.holdings.push_back(std::move(holding));
    inodes_.push_back(stat.ino);
    return {};
  }

  void AddIndexEntry(const merge::Found& found) {
    Holding holding;
    holding.layer = 0;
    holding.index = true;
    holding.path = found.marks.origin ? layer::IndexName(*found.marks.origin) : "?";
    holding.mode = found.stat.mode;
    holding.role = kProvides;
    holding.marks = found.marks;
    out_.holdings.push_back(std::move(holding));
    inodes_.push_back(0);
  }

  Status SetOrigin(const merge::Found& found) {
    if (!found.upper || !found.marks.origin) return {};
    if (!layer::DecodeOrigin(*found.marks.origin)) {
      out_.origin = "unknown";
      return {};
    }
    BLENDFS_ASSIGN(const auto origin,
                   merge::FollowOrigin(state_, *found.marks.origin, found.stat.mode));
    out_.origin = "nowhere";
    if (!origin) return {};
    out_.origin_ino = origin->key.ino;
    const auto& layers = state_.stack.layers();
    for (size_t i = state_.stack.first_lower(); i < layers.size(); ++i) {
      if (layers[i].fs != origin->key.fs) continue;
      out_.origin = "file system of " + LayerName(state_.stack, static_cast<layer::LayerIndex>(i));
      break;
    }
    return {};
  }

  merge::Union& fs_;
  merge::State& state_;
  merge::Node& parent_;
  const std::string name_;
  Explanation& out_;
  std::vector<uint64_t> inodes_;  // of the holdings, until they are sorted
};

Status ExplainRoot(merge::Union& fs, Explanation& out) {
  merge::State& state = fs.state();
  const auto& layers = state.stack.layers();
  for (size_t i = 0; i < layers.size(); ++i) {
    Holding holding;
    holding.layer = static_cast<layer::LayerIndex>(i);
    holding.path = "/";
    holding.role = i == 0 ? kProvides : kMerged;
    BLENDFS_ASSIGN(const sys::FileStat stat, state.os.StatFd(layers[i].root.borrow()));
    holding.mode = stat.mode;
    BLENDFS_ASSIGN(holding.marks,
                   layer::ReadMarksFd(state.os, state.format(), layers[i].root.borrow()));
    out.holdings.push_back(std::move(holding));
  }
  return {};
}

}  // namespace

Result<Explanation> Explain(merge::Union& fs, const std::string& path) {
  merge::State& state = fs.state();
  Explanation out;
  std::vector<std::string> names;
  if (!SplitPath(path, &names)) {
    out.path = path;
    out.error = EINVAL;
    out.why = "a path in the union has no '..'";
    return out;
  }
  for (const std::string& name : names) out.path += "/" + name;
  if (names.empty()) out.path = "/";
  merge::NodeRef node = merge::NodeRef::Share(state.table, fs.root());
  if (names.empty()) BLENDFS_TRY(ExplainRoot(fs, out));
  for (const std::string& name : names) {
    if (!node->IsDir()) {
      out.error = ENOTDIR;
      out.why = "'" + name + "' is sought in what is no directory";
      return out;
    }
    out.holdings.clear();
    out.origin.clear();
    merge::NodeRef next;
    BLENDFS_TRY(NameExplainer(fs, *node, name, out).Run(&next));
    if (out.error != 0) return out;
    node = std::move(next);
  }
  BLENDFS_ASSIGN(const merge::Attr attr, fs.GetAttr(*node, nullptr));
  out.mode = attr.mode;
  out.ino = attr.ino;
  out.links = attr.nlink;
  out.indexed = node->indexed.load(std::memory_order_relaxed);
  return out;
}

}  // namespace blendfs::inspect
