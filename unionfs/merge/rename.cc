// SPDX-License-Identifier: MIT
// Rename. Everything that moves is brought to the upper first; then one rename there does it, which
// leaves a whiteout behind where a lower layer would show through. A directory with lower parts takes
// a redirect with it, so that it finds them from its new place.
#include <fcntl.h>
#include <stdio.h>

#include <optional>

#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/links.h"
#include "unionfs/merge/object.h"
#include "unionfs/merge/remove.h"
#include "unionfs/merge/shown_whiteout.h"
#include "unionfs/merge/staging.h"

namespace blendfs::merge {

namespace {

constexpr size_t kMaxRedirect = 4096;

struct Side {
  Side(Node& parent_in, std::string_view name_in) : parent(parent_in), name(name_in) {}

  Node& parent;
  std::string name;
  NodeRef node;           // empty: nothing there
  bool lower = false;     // a lower layer has something under the name
  bool whiteout = false;  // the upper has a whiteout under the name
  bool on_upper = false;  // the upper has an object under the name

  BorrowedFd upper() const { return parent.dir->upper_fd(); }
  bool IsDir() const { return node && node->IsDir(); }
  Status SeeUpper(State& state) {
    BLENDFS_ASSIGN(const UpperName there, merge::SeeUpper(state, parent, name));
    on_upper = there == UpperName::kObject;
    whiteout = there == UpperName::kWhiteout;
    return {};
  }
};

// Locks the busy locks of up to two nodes in the order of their addresses.
class BusyPair {
 public:
  BusyPair(Node* a, Node* b) {
    if (a == b) b = nullptr;
    if (a != nullptr && b != nullptr && std::less<Node*>()(b, a)) std::swap(a, b);
    if (a != nullptr) first_ = std::unique_lock(a->busy);
    if (b != nullptr) second_ = std::unique_lock(b->busy);
  }

 private:
  std::unique_lock<std::mutex> first_, second_;
};

class Renamer {
 public:
  Renamer(State& state, Union& fs, Side& from, Side& to, unsigned flags)
      : state_(state),
        union_(fs),
        from_(from),
        to_(to),
        exchange_((flags & RENAME_EXCHANGE) != 0),
        leaves_whiteout_((flags & RENAME_WHITEOUT) != 0) {}

  Status Run() {
    BLENDFS_TRY(MayMove(*from_.node));
    if (exchange_ && to_.node) BLENDFS_TRY(MayMove(*to_.node));
    BLENDFS_TRY(BringUp(from_));
    if (exchange_ && to_.node) BLENDFS_TRY(BringUp(to_));
    if (to_.node && !exchange_) BLENDFS_TRY(CheckReplaced());
    BusyPair busy(from_.node.get(), to_.node.get());
    BLENDFS_TRY(KeepLowers(from_, to_));
    if (exchange_) BLENDFS_TRY(KeepLowers(to_, from_));
    BLENDFS_TRY(CarryMarks(*from_.node, to_.parent));
    if (exchange_) BLENDFS_TRY(CarryMarks(*to_.node, from_.parent));
    Staged whiteout(state_);
    if (leaves_whiteout_) BLENDFS_TRY(PrepareWhiteout(whiteout));
    if (to_.node && !exchange_) {
      BLENDFS_ASSIGN(last_name_goes_, PrepareUnlink(state_, *to_.node, to_.parent, to_.name));
      if (!to_.on_upper) BLENDFS_TRY(to_.SeeUpper(state_));
      if (to_.node->IsDir() && to_.on_upper) BLENDFS_TRY(EmptyTarget());
    }
    std::optional<OpenOverRemoval> replaced;
    if (to_.IsDir() && !exchange_) replaced.emplace(to_.node->dir->upper);
    const Status moved = Move();
    if (!moved) {
      // The directory that was to be replaced comes back as it was.
      if (emptied_) (void)emptied_->Publish(to_.upper(), to_.name, RENAME_EXCHANGE);
      return moved;
    }
    if (replaced) replaced->Gone();
    Settle();
    // A second step: one call cannot move the object and leave this. A crash between leaves no name.
    return leaves_whiteout_ ? whiteout.Publish(from_.upper(), from_.name, 0) : Status();
  }

 private:
  Status MayMove(const Node& node) const {
    const bool needs_redirect = node.IsDir() && !node.dir->lowers.empty();
    return needs_redirect && !MakesRedirects() ? Fail(EXDEV, "it would need a redirect") : Status();
  }
  bool MakesRedirects() const { return state_.stack.redirects() == layer::Redirects::kMake; }

  // The object on the upper, and under this very name.
  Status BringUp(Side& side) {
    BLENDFS_TRY(CopyUp(state_, *side.node, CopyDepth::kMetadata));
    if (!side.on_upper) BLENDFS_TRY(side.SeeUpper(state_));
    if (side.on_upper) return {};
    const Steady steady(*side.node);
    BLENDFS_TRY(LinkUp(state_, *side.node, side.parent, side.name));
    side.on_upper = true;
    return {};
  }

  Status CheckReplaced() {
    Node& node = *to_.node;
    if (node.IsDir()) {
      if (!from_.IsDir()) return Fail(EISDIR);
      BLENDFS_ASSIGN(const auto listing, union_.OpenDirectory(node));
      BLENDFS_TRY(listing->Refresh());
      return listing->empty() ? Status() : RefuseNotEmpty(state_, to_.parent, node);
    }
    if (from_.IsDir()) return Fail(ENOTDIR);
    BLENDFS_ASSIGN(const Attr attr, union_.GetAttr(node, nullptr));
    if (!node.OnUpper() && attr.nlink > 1) {
      // Its other names must stay one file: the index counts them from here on.
      BLENDFS_TRY(CopyUp(state_, node, CopyDepth::kMetadata));
    }
    return {};
  }

  // What a moved object needs to find (or not to find) its lower parts from its new place.
  Status KeepLowers(Side& moved, const Side& target) {
    Node& node = *moved.node;
    if (!node.IsDir()) return KeepMetacopy(node);
    if (node.dir->lowers.empty()) {
      // A directory of the upper alone must not merge with what the new place has below.
      if (!target.lower || !node.dir->redirect.empty()) return {};
      return state_.os.SetXattrFd(node.dir->upper_fd(), Key(layer::kOpaque).c_str(), "y", 0);
    }
    {
      std::lock_guard lock(state_.LocationLock(node));
      if (!node.dir->redirect.empty() && node.dir->redirect[0] == '/') return {};
    }
    std::string path = LowerPath(state_, node);
    if (path.size() >= kMaxRedirect) {
      if (&moved.parent != &target.parent) return Fail(EXDEV, "the redirect would be too long");
      path = path.substr(path.rfind('/') + 1);  // beside its old name
    }
    BLENDFS_TRY(state_.os.SetXattrFd(node.dir->upper_fd(), Key(layer::kRedirect).c_str(), path, 0));
    std::lock_guard lock(state_.LocationLock(node));
    node.dir->redirect = path;
    return {};
  }

  // A metadata-only copy finds its data by path too.
  Status KeepMetacopy(Node& node) {
    if (node.DataOnUpper() || !node.IsRegular()) return {};
    if (!MakesRedirects()) return copy_up_internal::CopyUpDataOnly(state_, node, true);
    const std::string key = Key(layer::kRedirect);
    BLENDFS_ASSIGN(const Place place, AttributePlace(state_, node));
    const Object object(state_, place);
    auto present = object.GetXattr(key);
    if (!present && present.error().code != ENODATA) return tl::unexpected(present.error());
    if (present && present->starts_with('/')) return {};
    std::string path;
    {
      const Location location = CurrentLocation(state_, node);
      path = LowerPath(state_, *location.parent) + "/" + (present ? *present : location.name);
    }
    if (path.size() >= kMaxRedirect) return copy_up_internal::CopyUpDataOnly(state_, node, true);
    return object.SetXattr(key, path, 0);
  }

  // The device 0:0 that RENAME_WHITEOUT leaves for its caller to see.
  Status PrepareWhiteout(Staged& whiteout) {
    BLENDFS_TRY(MarkShownWhiteouts(state_, from_.parent));
    whiteout.Expect();
    return MakeShownWhiteout(state_, whiteout.dir(), whiteout.name(), 0, Ourselves());
  }

  Status CarryMarks(Node& moved, Node& parent) {
    if (moved.shown_whiteout) BLENDFS_TRY(MarkShownWhiteouts(state_, parent));
    // Its identity is a lower object's: the listing of its new directory must know to look.
    if (moved.key.fs == 0 && moved.key.ino == moved.upper_ino.load()) return {};
    return copy_up_internal::MarkImpure(state_, parent);
  }

  // The directory that is replaced becomes a truly empty one, without its lower parts being seen at
  // any moment: an opaque one takes its place.
  Status EmptyTarget() {
    const Node& node = *to_.node;
    BLENDFS_ASSIGN(const auto entries, state_.os.List(node.dir->upper_fd()));
    if (entries.empty()) return {};
    BLENDFS_ASSIGN(const sys::FileStat stat, state_.os.StatFd(node.dir->upper_fd()));
    Staged& staged = emptied_.emplace(state_);
    BLENDFS_TRY(state_.os.MakeDir(staged.dir(), staged.name(), 0700, Ourselves()));
    staged.Expect();
    BLENDFS_ASSIGN(const UniqueFd fd,
                   state_.os.OpenBeneath(staged.dir(), staged.name(), O_PATH | O_DIRECTORY));
    BLENDFS_TRY(state_.os.SetXattrFd(fd.borrow(), Key(layer::kOpaque).c_str(), "y", 0));
    // As the one it stands in for, should a crash leave it at that.
    BLENDFS_TRY(
        copy_up_internal::CopyMetadata(state_, node.dir->upper_fd(), ".", stat, "", fd.borrow()));
    return staged.Publish(to_.upper(), to_.name, RENAME_EXCHANGE);
  }

  Status Move() {
    unsigned flags = 0;
    bool whiteout_swapped = false;
    if (exchange_) {
      flags = RENAME_EXCHANGE;
    } else if (to_.whiteout && from_.IsDir()) {
      // A directory cannot replace a whiteout: they change places, which also leaves one behind.
      flags = RENAME_EXCHANGE;
      whiteout_swapped = true;
    } else if (from_.lower) {
      flags = RENAME_WHITEOUT;
      if (!state_.stack.has_rename_whiteout()) return MoveWithWhiteout();
    }
    BLENDFS_TRY(
        state_.os.Rename(from_.upper(), from_.name.c_str(), to_.upper(), to_.name.c_str(), flags));
    if (whiteout_swapped && !from_.lower) {
      // Harmless if it stays, so an error here is not the rename's.
      (void)state_.os.Unlink(from_.upper(), from_.name.c_str());
    }
    return {};
  }

  // Without RENAME_WHITEOUT: a crash between the two steps leaves the lower object in its place beside the
  // moved one, so this is refused for directories. The whiteout is made beforehand: space that is short is
  // short before anything has changed.
  Status MoveWithWhiteout() {
    if (from_.IsDir()) return Fail(EXDEV, "the upper's file system lacks RENAME_WHITEOUT");
    Staged whiteout(state_);
    BLENDFS_TRY(PutWhiteout(state_, whiteout.dir(), whiteout.name()));
    whiteout.Expect();
    BLENDFS_TRY(
        state_.os.Rename(from_.upper(), from_.name.c_str(), to_.upper(), to_.name.c_str(), 0));
    return whiteout.Publish(from_.upper(), from_.name, 0);
  }

  // The nodes learn where they are.
  void Settle() {
    if (to_.node && !exchange_) {
      AfterUnlink(state_, *to_.node, to_.parent, to_.name, last_name_goes_);
    }
    SetLocation(state_, *from_.node, to_.parent, to_.name);
    if (exchange_) SetLocation(state_, *to_.node, from_.parent, from_.name);
  }

  std::string Key(const char* suffix) const { return state_.format().Key(suffix); }

  State& state_;
  Union& union_;
  Side& from_;
  Side& to_;
  const bool exchange_, leaves_whiteout_;
  bool last_name_goes_ = false;    // of what is replaced
  std::optional<Staged> emptied_;  // what stands in for a replaced directory, then that directory
};

// What is there. A name found on the upper stays so: the kernel keeps other changes of a directory's names away
// meanwhile, and only a copy-up may still put an object there.
Status LookAt(State& state, Side& side) {
  Found found;
  auto node = LookupNode(state, side.parent, side.name, &found);
  if (!node && node.error().code != ENOENT) return tl::unexpected(node.error());
  if (node) side.node = std::move(*node);
  side.on_upper = side.node && found.named;
  return {};
}

}  // namespace

Status Union::Rename(Node& from_parent, std::string_view from_name, Node& to_parent,
                     std::string_view to_name, unsigned flags) {
  State& state = *state_;
  if (!state.stack.has_upper()) return Fail(EROFS);
  constexpr unsigned kKnown = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;
  if ((flags & ~kKnown) != 0) return Fail(EINVAL);
  BLENDFS_TRY(CopyUpDirectory(state, from_parent));
  BLENDFS_TRY(CopyUpDirectory(state, to_parent));
  Side from(from_parent, from_name);
  Side to(to_parent, to_name);
  BLENDFS_TRY(LookAt(state, from));
  BLENDFS_TRY(LookAt(state, to));
  if (!from.node) return Fail(ENOENT);
  BLENDFS_ASSIGN(from.lower, LowerHas(state, from.parent, from.name));
  const bool exchange = (flags & RENAME_EXCHANGE) != 0;
  if (exchange && !to.node) return Fail(ENOENT);
  if ((flags & RENAME_NOREPLACE) != 0 && to.node) return Fail(EEXIST);
  if (to.node && to.node.get() == from.node.get()) return {};  // two links of one file
  if (from.IsDir() || exchange) {                              // else it makes no difference
    BLENDFS_ASSIGN(to.lower, LowerHas(state, to.parent, to.name));
    if (!to.node) BLENDFS_TRY(to.SeeUpper(state));
  }
  return Renamer(state, *this, from, to, flags).Run();
}

}  // namespace blendfs::merge
