// SPDX-License-Identifier: MIT
// Open files.
#include "unionfs/merge/files.h"

#include <fcntl.h>

#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/object.h"

namespace blendfs::merge {

namespace {

// What the descriptor on the layer is opened with. O_APPEND is the kernel's business (it gives the
// offset, and pwrite on an appending descriptor would ignore it); O_DIRECT would want aligned buffers.
int LayerFlags(int flags) {
  constexpr int kKept = O_SYNC | O_DSYNC | O_NOATIME;
  // Writers read too, for partial pages and mappings.
  const int access = (flags & O_ACCMODE) == O_RDONLY ? O_RDONLY : O_RDWR;
  return access | (flags & kKept);
}

}  // namespace

RegularFile::RegularFile(State& state, Node& node, int flags, UniqueFd upper)
    : state_(state),
      node_(NodeRef::Share(state.table, node)),
      flags_(flags),
      upper_(upper.release()) {}

RegularFile::~RegularFile() {
  for (const auto* fd : {&upper_, &lower_}) UniqueFd closer(fd->load(std::memory_order_relaxed));
}

bool RegularFile::on_upper() const { return upper_.load(std::memory_order_acquire) >= 0; }

Result<BorrowedFd> RegularFile::data() {
  if (const int fd = upper_.load(std::memory_order_acquire); fd >= 0) return BorrowedFd(fd);
  // Read before the place: if the copy-up comes between, the next call switches.
  const bool on_upper = node_->DataOnUpper();
  std::atomic<int>& slot = on_upper ? upper_ : lower_;
  if (const int fd = slot.load(std::memory_order_acquire); fd >= 0) return BorrowedFd(fd);
  std::lock_guard lock(switching_);
  if (const int fd = slot.load(std::memory_order_acquire); fd >= 0) return BorrowedFd(fd);
  // Lower layers are shared: reading leaves no mark.
  auto fd = OpenNodeData(state_, *node_, LayerFlags(flags_) | (on_upper ? 0 : O_NOATIME));
  if (!fd) return tl::unexpected(fd.error());
  slot.store(fd->release(), std::memory_order_release);
  return BorrowedFd(slot.load(std::memory_order_relaxed));
}

Result<UniqueFd> OpenNodeData(State& state, Node& node, int flags) {
  const Steady steady(node);
  BLENDFS_ASSIGN(const Place place, DataPlace(state, node));
  const Object object(state, place);
  return node.DataOnUpper() ? object.Open(flags) : object.OpenFile(flags);
}

Result<std::unique_ptr<OpenFile>> Union::OpenAt(Node& node, int flags, bool kill_suid_sgid,
                                                const IsInGroup& caller_is_in) {
  State& state = *state_;
  if (node.IsDir()) return Fail(EISDIR);
  const bool truncate = (flags & O_TRUNC) != 0;
  const bool write = (flags & O_ACCMODE) != O_RDONLY || truncate;
  if (write) BLENDFS_TRY(CopyUp(state, node, truncate ? CopyDepth::kEmpty : CopyDepth::kData));
  if (truncate) {
    AttrChange change;
    change.set_size = true;
    change.kill_suid_sgid = kill_suid_sgid;
    change.caller_is_in = caller_is_in;
    BLENDFS_TRY(SetAttr(node, change, nullptr));
  }
  // A file of a lower layer is opened when it is first read: mostly the kernel has its pages.
  UniqueFd upper;
  if (node.DataOnUpper()) {
    auto opened = OpenNodeData(state, node, LayerFlags(flags));
    if (!opened && opened.error().code == EPERM && (flags & O_APPEND) != 0) {
      // An append-only file can be opened in no other way. Written to at its end, as the kernel does, it works.
      opened = OpenNodeData(state, node, LayerFlags(flags) | O_APPEND);
    }
    if (!opened) return tl::unexpected(opened.error());
    upper = std::move(*opened);
  }
  return std::unique_ptr<OpenFile>(
      std::make_unique<RegularFile>(state, node, flags, std::move(upper)));
}

namespace {

// fdatasync becomes fsync where the file's publication has to reach the disk as well.
Status SyncWithPublication(State& state, Node& node, BorrowedFd fd, bool data_only) {
  const uint32_t published = node.publications.load(std::memory_order_acquire);
  uint32_t durable = node.publications_synced.load(std::memory_order_acquire);
  BLENDFS_TRY(state.os.Sync(fd, data_only && durable == published));
  // Only now: another caller's fdatasync meanwhile must not rely on this one.
  while (durable < published &&
         !node.publications_synced.compare_exchange_weak(durable, published)) {
  }
  return {};
}

}  // namespace

Status Union::SyncFile(OpenFile& file, bool data_only) {
  if (state_->options.volatile_upper) return {};
  if (!file.node().DataOnUpper()) return SyncNode(file.node(), data_only);
  // On the descriptor that is as old as the application's: only so does each of several opens learn of a
  // write that failed since.
  BLENDFS_ASSIGN(const BorrowedFd fd, file.data());
  return SyncWithPublication(*state_, file.node(), fd, data_only);
}

Status Union::SyncPublication(OpenFile& file) {
  const Node& node = file.node();
  if (node.publications_synced.load() == node.publications.load()) return {};
  return SyncFile(file, true);
}

Status Union::SyncNode(Node& node, bool data_only) {
  State& state = *state_;
  if (!node.OnUpper() || state.options.volatile_upper) return {};
  if (!node.IsDir() && !node.IsRegular()) return {};
  if (&node == state.root) return SyncAll();
  UniqueFd fd;
  {
    const Steady steady(node);
    BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
    BLENDFS_ASSIGN(fd, Object(state, place).Open(O_RDONLY | (node.IsDir() ? O_DIRECTORY : 0)));
  }
  return SyncWithPublication(state, node, fd.borrow(), data_only);
}

Status Union::SyncAll() {
  if (!state_->stack.has_upper() || state_->options.volatile_upper) return {};
  return state_->os.SyncFs(state_->stack.layer(0).mount.borrow());
}

Result<struct statvfs> Union::StatFs() {
  return state_->os.StatFs(state_->stack.layer(0).mount.borrow());
}

}  // namespace blendfs::merge
