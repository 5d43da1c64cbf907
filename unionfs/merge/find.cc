// SPDX-License-Identifier: MIT
#include "unionfs/merge/find.h"

#include <fcntl.h>

#include "unionfs/merge/links.h"
#include "unionfs/merge/lower_names.h"

namespace blendfs::merge {

namespace {

constexpr int kDirFlags = O_PATH | O_DIRECTORY;

// What the next lower layer is searched for: a name in the parent's directory of that layer, or,
// after an absolute redirect, a path from the layer's root.
struct Target {
  bool absolute = false;
  std::vector<std::string> path;

  void Follow(const std::string& redirect, size_t component) {
    if (redirect[0] != '/') {
      path[component] = redirect;
      return;
    }
    std::vector<std::string> rest(path.begin() + static_cast<ptrdiff_t>(component) + 1, path.end());
    path.clear();
    for (size_t begin = 1; begin < redirect.size();) {
      const size_t end = std::min(redirect.find('/', begin), redirect.size());
      path.push_back(redirect.substr(begin, end - begin));
      begin = end + 1;
    }
    path.insert(path.end(), rest.begin(), rest.end());
    absolute = true;
  }
};

struct Hit {
  bool there = false;  // an object, in `stat`
  bool stop = false;   // nothing below this layer belongs to the name
  sys::FileStat stat;
  layer::Marks marks;
  UniqueFd dir;     // of a directory
  UniqueFd parent;  // where a path led to; unset for a plain name
};

bool IsAbsent(int code) { return code == ENOENT || code == ENOTDIR || code == ELOOP; }

// What a directory's marks say about its children.
struct Expect {
  bool xattr_whiteouts = false, impure = false, shown_whiteouts = false;
};

// Marks that lead to other objects than the name's own let one who may write to a layer see what others may not,
// where anybody can set them: the same rule as overlayfs's.
Status MayFollow(const State& state, const layer::Marks& marks, mode_t mode) {
  if (S_ISREG(mode) && marks.metacopy && !state.format().metadata_only_copies())
    return Fail(EPERM, kCopyRefused);
  if (S_ISDIR(mode) && marks.redirect && !marks.opaque &&
      state.stack.redirects() == layer::Redirects::kRefuse)
    return Fail(EPERM, kRedirectRefused);
  return {};
}

// Of a directory (base, name): opens it and reads its marks.
Status SeeDirectory(State& state, BorrowedFd base, const char* name, Hit& hit) {
  BLENDFS_ASSIGN(hit.dir, state.os.OpenBeneath(base, name, kDirFlags));
  // By name, which takes half as long as by a descriptor of this kind.
  BLENDFS_ASSIGN(hit.marks, layer::ReadMarks(state.os, state.format(), base, name));
  hit.stop = hit.marks.opaque;
  return MayFollow(state, hit.marks, S_IFDIR);
}

// One last component in a directory of one layer.
Status SeeName(State& state, BorrowedFd dir, Expect expect, size_t component, Target& target,
               Hit& hit) {
  const std::string name = target.path[component];
  auto stat = state.os.Stat(dir, name.c_str());
  if (!stat) {
    if (IsAbsent(stat.error().code)) return {};
    return tl::unexpected(stat.error());
  }
  BLENDFS_ASSIGN(const bool whiteout, IsWhiteout(state, dir, name, *stat, expect.xattr_whiteouts));
  if (whiteout) {
    hit.stop = true;
    return {};
  }
  hit.stat = *stat;
  if (stat->IsDir()) {
    BLENDFS_TRY(SeeDirectory(state, dir, name.c_str(), hit));
  } else if (expect.impure || (expect.shown_whiteouts && stat->IsRegular() && stat->size == 0)) {
    BLENDFS_ASSIGN(hit.marks, layer::ReadMarks(state.os, state.format(), dir, name.c_str()));
    BLENDFS_TRY(MayFollow(state, hit.marks, stat->mode));
  }
  hit.there = true;
  if (hit.marks.redirect) target.Follow(*hit.marks.redirect, component);
  return {};
}

// The same below a lower directory of that name, where nothing but a directory matters: whatever else is
// there ends the search. Spares the question what it is.
Status SeeNextDirectory(State& state, BorrowedFd dir, const char* name, Hit& hit) {
  const auto seen = SeeDirectory(state, dir, name, hit);
  if (!seen) {
    const int code = seen.error().code;
    hit.stop = code == ENOTDIR || code == ELOOP;
    return hit.stop || code == ENOENT ? Status() : seen;
  }
  hit.stat.mode = S_IFDIR;
  hit.there = true;
  return {};
}

// The target in one lower layer. `base` is the parent's directory there, or the layer's root. `next_directory`:
// only a directory matters, and of that only its descriptor and marks.
Result<Hit> SeeInLayer(State& state, const LowerDir& base, bool next_directory, Target& target) {
  Hit hit;
  BorrowedFd dir = base.fd.borrow();
  Expect expect{base.xattr_whiteouts, base.impure, base.shown_whiteouts};
  bool stop = false;
  // Redirects met on the way are for the layers below: this layer is walked as it is.
  const std::vector<std::string> path = target.path;
  Target next = target;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    Hit step;
    Target here{target.absolute, {path[i]}};
    BLENDFS_TRY(SeeName(state, dir, {.xattr_whiteouts = expect.xattr_whiteouts}, 0, here, step));
    if (!step.there || !step.stat.IsDir()) {
      hit.stop = stop || step.stop || step.there;
      return hit;
    }
    stop = stop || step.stop;
    if (step.marks.redirect) next.Follow(*step.marks.redirect, i + next.path.size() - path.size());
    hit.parent = std::move(step.dir);
    dir = hit.parent.borrow();
    expect = {step.marks.xattr_whiteouts, step.marks.impure, step.marks.shown_whiteouts};
  }
  if (next_directory) {
    BLENDFS_TRY(SeeNextDirectory(state, dir, path.back().c_str(), hit));
  } else {
    Target last{target.absolute, {path.back()}};
    BLENDFS_TRY(SeeName(state, dir, expect, 0, last, hit));
  }
  if (hit.marks.redirect) next.Follow(*hit.marks.redirect, next.path.size() - 1);
  hit.stop = hit.stop || stop;
  target = std::move(next);
  return hit;
}

// The identity of an upper non-directory: the lower object it was copied up from, where its origin
// still leads to one.
Result<ObjectKey> UpperFileKey(State& state, Found& found) {
  const ObjectKey own{0, found.stat.ino};
  if (!found.marks.origin) return own;
  BLENDFS_ASSIGN(const auto origin, FollowOrigin(state, *found.marks.origin, found.stat.mode));
  if (!origin) return own;
  found.lower_links = origin->links;
  return origin->key;
}

// Follows a name through the lower layers into `found`, until something ends the search.
class LowerSearch {
 public:
  LowerSearch(State& state, Node& parent, Target target, Found& found)
      : state_(state), parent_(parent), target_(std::move(target)), found_(found) {}

  // What the upper has shown already.
  void SawDirectory() { directory_ = true; }
  void SawMetacopy() { metacopy_ = true; }

  Status Run() {
    layer::LayerIndex next = 0;
    uint32_t vain = 0;
    while (const LowerDir* base = FirstFrom(next)) {
      next = static_cast<layer::LayerIndex>(base->layer + 1);
      BLENDFS_ASSIGN(Hit hit,
                     SeeInLayer(state_, *base, directory_ && !found_.lowers.empty(), target_));
      if (!hit.there && !hit.stop && !target_.absolute) ++vain;
      if (hit.there) {
        BLENDFS_ASSIGN(const bool done, Take(base->layer, *base, hit));
        if (done) break;
      }
      if (hit.stop) break;
    }
    CountVain(state_, *parent_.dir, vain);
    if (metacopy_ && !found_.data) return Fail(EIO, kNoDataBelow);
    return {};
  }

 private:
  const LowerDir* FirstFrom(layer::LayerIndex layer) const {
    const Directory& dir = *(target_.absolute ? state_.root : &parent_)->dir;
    const LowerNames names(dir, target_.path.front());
    for (const LowerDir& lower : dir.lowers) {
      if (lower.layer >= layer && names.MayHave(lower)) return &lower;
    }
    return nullptr;
  }

  // True when the search is over.
  Result<bool> Take(layer::LayerIndex layer, const LowerDir& base, Hit& hit) {
    if (metacopy_) return TakeData(layer, base, hit);
    const bool first = !found_.upper && found_.lowers.empty();
    if (hit.stat.IsDir()) {
      if (first) {
        found_.stat = hit.stat;
        directory_ = true;
      }
      if (found_.lowers.empty()) SetLower(layer, hit);
      found_.lowers.push_back(FoundDir{layer, std::move(hit.dir), std::move(hit.marks)});
      return false;
    }
    if (directory_) return true;  // a directory hides files below it
    found_.stat = hit.stat;
    found_.shown_whiteout = hit.marks.shown_whiteout;
    SetLower(layer, hit);
    if (!hit.marks.metacopy) return true;
    metacopy_ = true;
    return false;
  }

  Result<bool> TakeData(layer::LayerIndex layer, const LowerDir& base, Hit& hit) {
    if (!hit.stat.IsRegular()) return true;
    if (hit.marks.metacopy) return false;  // a copy of a copy: deeper
    const BorrowedFd dir = hit.parent ? hit.parent.borrow() : base.fd.borrow();
    // SeeInLayer may have rewritten the target already, but only for a redirect, which a file with
    // data does not carry.
    BLENDFS_ASSIGN(found_.data, state_.os.OpenBeneath(dir, target_.path.back().c_str(), O_PATH));
    found_.data_layer = layer;
    if (found_.lower == layer::kNoLayer) found_.lower = layer;
    return true;
  }

  void SetLower(layer::LayerIndex layer, const Hit& hit) {
    found_.lower = layer;
    found_.key = ObjectKey{state_.stack.layer(layer).fs, hit.stat.ino};
  }

  State& state_;
  Node& parent_;
  Target target_;
  Found& found_;
  bool directory_ = false, metacopy_ = false;
};

}  // namespace

Result<bool> IsWhiteout(State& state, BorrowedFd dir, const std::string& name,
                        const sys::FileStat& stat, bool xattr_form) {
  if (layer::IsWhiteoutDevice(stat)) return true;
  if (!xattr_form || !stat.IsRegular() || stat.size != 0) return false;
  BLENDFS_ASSIGN(const layer::Marks marks,
                 layer::ReadMarks(state.os, state.format(), dir, name.c_str()));
  return marks.whiteout;
}

Result<Found> Find(State& state, Node& parent, const std::string& name) {
  Found found;
  Directory& dir = *parent.dir;
  Target target{false, {name}};
  bool metacopy = false;

  if (const BorrowedFd upper = dir.upper_fd()) {
    Hit hit;
    const Expect expect{dir.upper_xattr_whiteouts, dir.impure.load(std::memory_order_relaxed),
                        dir.shown_whiteouts.load(std::memory_order_relaxed)};
    BLENDFS_TRY(SeeName(state, upper, expect, 0, target, hit));
    if (hit.there) {
      found.upper = found.named = true;
      found.stat = hit.stat;
      found.marks = std::move(hit.marks);
      found.upper_dir = std::move(hit.dir);
      // An empty file has no data to look for: a truncation that was interrupted before the mark went.
      metacopy = found.marks.metacopy && found.stat.size > 0;
      if (found.stat.IsDir()) {
        found.key = ObjectKey{0, found.stat.ino};
      } else {
        BLENDFS_ASSIGN(found.key, UpperFileKey(state, found));
        found.shown_whiteout = found.marks.shown_whiteout;
        if (!metacopy) return found;
      }
    } else if (hit.stop) {
      return Fail(ENOENT);
    }
    if (hit.stop) return found;
  }

  LowerSearch search(state, parent, std::move(target), found);
  if (found.upper && found.stat.IsDir()) search.SawDirectory();
  if (metacopy) search.SawMetacopy();
  const ObjectKey upper_key = found.key;
  BLENDFS_TRY(search.Run());
  if (metacopy) found.key = upper_key;
  if (!found.upper && found.lower == layer::kNoLayer) return Fail(ENOENT);
  if (!found.upper && !found.stat.IsDir() && found.stat.nlink > 1) {
    BLENDFS_TRY(FindInIndex(state, parent, name, found));
  }
  return found;
}

Result<bool> LowerHas(State& state, Node& parent, const std::string& name) {
  const LowerNames names(*parent.dir, name);
  uint32_t vain = 0;
  for (const LowerDir& lower : parent.dir->lowers) {
    if (!names.MayHave(lower)) continue;
    auto stat = state.os.Stat(lower.fd.borrow(), name.c_str());
    if (!stat) {
      if (!IsAbsent(stat.error().code)) return tl::unexpected(stat.error());
      ++vain;
      continue;
    }
    BLENDFS_ASSIGN(const bool whiteout,
                   IsWhiteout(state, lower.fd.borrow(), name, *stat, lower.xattr_whiteouts));
    return !whiteout;
  }
  CountVain(state, *parent.dir, vain);
  return false;
}

}  // namespace blendfs::merge
