// SPDX-License-Identifier: MIT
// link(2).
#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/links.h"
#include "unionfs/merge/lookup.h"
#include "unionfs/merge/object.h"
#include "unionfs/merge/shown_whiteout.h"
#include "unionfs/merge/staging.h"

namespace blendfs::merge {

namespace {

// Over a whiteout: a link in the work directory takes its place.
Status LinkOverWhiteout(State& state, const Place& place, Node& parent, const std::string& name) {
  const BorrowedFd upper = parent.dir->upper_fd();
  BLENDFS_ASSIGN(const sys::FileStat stat, state.os.Stat(upper, name.c_str()));
  BLENDFS_ASSIGN(const bool whiteout,
                 IsWhiteout(state, upper, name, stat, parent.dir->upper_xattr_whiteouts));
  if (!whiteout) return Fail(EEXIST);
  Staged staged(state);
  BLENDFS_TRY(Object(state, place).LinkTo(staged.dir(), staged.name()));
  staged.Expect();
  return staged.Publish(upper, name, 0);
}

}  // namespace

Result<Entry> Union::Link(Node& node, Node& new_parent, std::string_view new_name) {
  State& state = *state_;
  const std::string name(new_name);
  if (node.IsDir()) return Fail(EPERM);
  if (new_parent.unlinked.load(std::memory_order_acquire)) return Fail(ENOENT);
  BLENDFS_TRY(CopyUpDirectory(state, new_parent));
  // Data and all: two names of one metadata-only copy could not both tell where its data is.
  BLENDFS_TRY(CopyUp(state, node, CopyDepth::kData));

  std::lock_guard busy(node.busy);
  const bool was_unlinked = node.unlinked.load(std::memory_order_acquire);
  if (node.shown_whiteout) BLENDFS_TRY(MarkShownWhiteouts(state, new_parent));
  BLENDFS_TRY(WriteLinkCount(state, node, CountAgainst::kUpper));
  const bool lower_identity = node.key.fs != 0 || node.key.ino != node.upper_ino.load();
  if (lower_identity) BLENDFS_TRY(copy_up_internal::MarkImpure(state, new_parent));
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  const BorrowedFd upper = new_parent.dir->upper_fd();
  auto linked = Object(state, place).LinkTo(upper, name.c_str());
  const bool over_whiteout = !linked && linked.error().code == EEXIST;
  if (over_whiteout) linked = LinkOverWhiteout(state, place, new_parent, name);
  if (!linked) return tl::unexpected(linked.error());
  const Result<sys::FileStat> stat = StatPlace(state, place);
  if (!stat) {
    TakeBack(state, upper, name, false, over_whiteout);
    return tl::unexpected(stat.error());
  }
  if (const int64_t count = node.link_count.load(); count >= 0) node.link_count.store(count + 1);
  if (was_unlinked) {
    // O_TMPFILE gets its first name.
    SetLocation(state, node, new_parent, name);
    node.unlinked.store(false, std::memory_order_release);
    state.table.Insert(node);
    if (const HeldFd* pin = node.upper_pin.load(std::memory_order_acquire)) pin->MayClose();
  }
  NodeRef self = NodeRef::Share(state.table, node);
  const Attr attr = ToAttr(state, node, *stat);
  return ToEntry(std::move(self), attr);
}

}  // namespace blendfs::merge
