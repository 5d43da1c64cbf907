// SPDX-License-Identifier: MIT
// The upper's tree: whiteouts, origins, metadata-only copies, redirects.
#include "unionfs/inspect/check.h"
#include "unionfs/merge/links.h"

namespace blendfs::inspect {
namespace {

// One directory on the way; the descriptors of a path's directories are open at once, not those of the tree.
struct Step {
  merge::NodeRef node;
  std::string path;
  std::vector<std::string> folders;
  size_t next = 0;
  bool lost = false;
};

bool LeadsNowhere(const layer::Marks& marks, const merge::Node& folder) {
  return (marks.redirect || marks.bad_redirect) && !marks.opaque && folder.dir->lowers.empty();
}

}  // namespace

Status Checker::CheckTree() {
  std::vector<Step> way;
  way.push_back({merge::NodeRef::Share(state_.table, fs_.root()), "/", {}, 0, false});
  BLENDFS_TRY(
      CheckFolder({fs_.root(), fs_.root().dir->upper_fd(), way.back().path}, &way.back().folders));
  while (!way.empty()) {
    Step& here = way.back();
    if (here.next == here.folders.size()) {
      way.pop_back();
      continue;
    }
    const std::string name = here.folders[here.next++];
    merge::Found found;
    auto node = merge::LookupNode(state_, *here.node, name, &found);
    const std::string path = Join(here.path, name);
    if (!node) {
      Note("unreadable", path, Reason(node.error()));
      continue;
    }
    if (!(*node)->IsDir() || !(*node)->dir->upper_fd()) continue;
    const bool lost = here.lost || LeadsNowhere(found.marks, **node);
    way.push_back({std::move(*node), path, {}, 0, lost});
    Step& below = way.back();
    BLENDFS_TRY(CheckFolder({*below.node, below.node->dir->upper_fd(), below.path, below.lost},
                            &below.folders));
  }
  return {};
}

Status Checker::CheckFolder(const Folder& folder, std::vector<std::string>* folders) {
  BLENDFS_ASSIGN(const auto entries, state_.os.List(folder.upper));
  bool needs_impure = false;
  for (const sys::DirEntry& entry : entries) {
    const std::string path = Join(folder.path, entry.name);
    const auto stat = state_.os.Stat(folder.upper, entry.name.c_str());
    if (!stat) {
      Note("unreadable", path, Reason(stat.error()));
      continue;
    }
    ++report_.objects;
    BLENDFS_ASSIGN(const bool whiteout, CheckWhiteout(folder, entry.name, *stat));
    if (whiteout) continue;
    BLENDFS_ASSIGN(layer::Marks marks,
                   layer::ReadMarks(state_.os, state_.format(), folder.upper, entry.name.c_str()));
    BLENDFS_TRY(CheckMarks(folder, entry.name, *stat, marks));
    BLENDFS_TRY(CheckLookup(folder, entry.name, marks));
    if (stat->IsDir()) {
      folders->push_back(entry.name);
    } else {
      needs_impure |= marks.metacopy || (marks.origin && !marks.origin->empty());
    }
  }
  if (needs_impure && !folder.node.dir->impure.load(std::memory_order_relaxed)) {
    const std::string key = state_.format().Key(layer::kImpure);
    std::string mended;
    if (mending_.on) {
      mended = Mend(folder.upper, "marked",
                    [&] { return state_.os.SetXattrFd(folder.upper, key.c_str(), "y", 0); });
    }
    Note("impure", folder.path,
         "holds copies of lower files, and is not marked so: their marks are not read", mended);
  }
  return {};
}

Result<bool> Checker::CheckWhiteout(const Folder& folder, const std::string& name,
                                    const sys::FileStat& stat) {
  BLENDFS_ASSIGN(const bool whiteout, merge::IsWhiteout(state_, folder.upper, name, stat,
                                                        folder.node.dir->upper_xattr_whiteouts));
  if (!whiteout) return false;
  BLENDFS_ASSIGN(const bool hides, merge::LowerHas(state_, folder.node, name));
  if (hides) return true;
  std::string mended;
  if (MendsByLayers() && !folder.lost) {
    mended =
        Mend(folder.upper, "removed", [&] { return state_.os.Unlink(folder.upper, name.c_str()); });
  }
  Note("whiteout", Join(folder.path, name), "hides nothing", mended);
  return true;
}

Status Checker::CheckMarks(const Folder& folder, const std::string& name, const sys::FileStat& stat,
                           layer::Marks& marks) {
  const std::string path = Join(folder.path, name);
  if (marks.bad_redirect) Note("redirect", path, "its redirect breaks the grammar");
  if (marks.metacopy && stat.IsRegular() && stat.size == 0) {
    std::string mended;
    const std::string key = state_.format().Key(layer::kMetacopy);
    if (mending_.on) {
      mended = Mend(folder.upper, "mark removed",
                    [&] { return state_.os.RemoveXattr(folder.upper, name.c_str(), key.c_str()); });
    }
    Note("metacopy", path, "is empty and still marked as a metadata-only copy", mended);
    marks.metacopy = false;
  }
  if (marks.origin && !marks.origin->empty()) return CheckOrigin(folder, name, stat, marks);
  return {};
}

Status Checker::CheckOrigin(const Folder& folder, const std::string& name,
                            const sys::FileStat& stat, const layer::Marks& marks) {
  const bool legible = layer::DecodeOrigin(*marks.origin).has_value();
  if (legible && !AnyHandles(state_.stack)) return {};
  if (legible) {
    BLENDFS_ASSIGN(const auto origin, merge::FollowOrigin(state_, *marks.origin, stat.mode));
    ++(origin ? report_.origins : report_.dangling_origins);
    if (origin) return {};
  }
  // Data are found by the name, but a file of the index is found by its origin.
  bool keep = marks.metacopy;
  if (const BorrowedFd index = state_.stack.index(); index && !stat.IsDir()) {
    keep |= state_.os.Stat(index, layer::IndexName(*marks.origin).c_str()).has_value();
  }
  std::string mended;
  if (!keep && (legible ? MendsByLayers() : mending_.on)) {
    const std::string key = state_.format().Key(layer::kOrigin);
    mended = Mend(folder.upper, "mark removed",
                  [&] { return state_.os.RemoveXattr(folder.upper, name.c_str(), key.c_str()); });
  }
  const char* dangling =
      marks.metacopy ? "its origin is not in these lower directories: the data it is shown with "
                       "may be of another file"
                     : "its origin is not in these lower directories: its inode number is its own";
  Note("origin", Join(folder.path, name), legible ? dangling : "its origin cannot be read", mended);
  return {};
}

Status Checker::CheckLookup(const Folder& folder, const std::string& name,
                            const layer::Marks& marks) {
  auto found = merge::Find(state_, folder.node, name);
  const std::string path = Join(folder.path, name);
  if (!found) {
    if (found.error().doing == merge::kNoDataBelow) {
      Note("metacopy", path, "its data are not in the layers below: reading it fails");
    } else {
      Note("unreadable", path, Reason(found.error()));
    }
    return {};
  }
  const bool leads = marks.redirect && found->stat.IsDir() && !marks.opaque;
  if (leads && found->lowers.empty()) {
    Note("redirect", path, "there is no directory at its redirect, " + *marks.redirect);
  }
  return {};
}

}  // namespace blendfs::inspect
