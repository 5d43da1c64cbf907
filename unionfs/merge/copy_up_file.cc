// SPDX-License-Identifier: MIT
// Copy-up of everything but directories.
#include <fcntl.h>
#include <stdio.h>

#include <functional>
#include <optional>

#include "unionfs/layer/copy.h"
#include "unionfs/merge/copy_up.h"
#include "unionfs/merge/links.h"
#include "unionfs/merge/lookup.h"
#include "unionfs/merge/object.h"
#include "unionfs/merge/shown_whiteout.h"
#include "unionfs/merge/staging.h"

namespace blendfs::merge::copy_up_internal {

namespace {

// Below this size a whole copy costs no more than a metadata-only one and leaves nothing behind in
// the lower layer.
constexpr uint64_t kMetacopyFrom = 64 * 1024;

constexpr char kCapability[] = "security.capability";

// A regular file under construction: without a name where the file system can, else in the work
// directory.
class NewFile {
 public:
  static Result<std::unique_ptr<NewFile>> Make(State& state) {
    std::unique_ptr<NewFile> file(new NewFile(state));
    if (state.stack.has_tmpfile()) {
      BLENDFS_ASSIGN(file->fd_,
                     state.os.OpenTmpFile(state.stack.work(), O_RDWR, 0600, Ourselves()));
      return file;
    }
    BLENDFS_ASSIGN(file->fd_, state.os.Create(file->staged_.dir(), file->staged_.name(), O_RDWR,
                                              0600, Ourselves()));
    file->staged_.Expect();
    file->named_ = true;
    return file;
  }
  BorrowedFd fd() const { return fd_.borrow(); }
  UniqueFd Take() { return std::move(fd_); }
  Status LinkTo(BorrowedFd dir, const std::string& name) {
    if (!named_) return state_.os.LinkFd(fd_.borrow(), dir, name.c_str());
    return state_.os.Link(staged_.dir(), staged_.name(), dir, name.c_str());
  }

 private:
  explicit NewFile(State& state) : state_(state), staged_(state) {}
  State& state_;
  Staged staged_;
  UniqueFd fd_;
  bool named_ = false;
};

Result<UniqueFd> OpenData(State& state, Node& node) {
  BLENDFS_ASSIGN(const Place place, DataPlace(state, node));
  return Object(state, place).OpenFile(O_RDONLY | O_NOATIME);
}

// Data goes before the name, so that a crash cannot show the file empty.
Status SyncBeforePublish(State& state, BorrowedFd fd, bool has_data) {
  if (state.options.volatile_upper) return {};
  if (state.options.strict_sync) return state.os.Sync(fd, false);
  if (!has_data) return {};
  return state.stack.orders_names() ? state.os.WriteOut(fd) : state.os.Sync(fd, true);
}

Status CopyBytes(State& state, Node& node, BorrowedFd to, uint64_t size) {
  if (size == 0) return {};
  BLENDFS_ASSIGN(const UniqueFd from, OpenData(state, node));
  BLENDFS_TRY(layer::CopyData(state.os, from.borrow(), to, size));
  state.copied_bytes.fetch_add(size, std::memory_order_relaxed);
  return {};
}

// The index entry of a lower file with several links, so that its other names find the copy.
// `link` gives the copy behind `fd` another name.
using Linker = std::function<Status(BorrowedFd dir, const std::string& name)>;
Status EnterIndex(State& state, const std::string& origin, BorrowedFd fd, const Linker& link) {
  const std::string entry = layer::IndexName(origin);
  // As many names as the lower file has, whether or not the copy gets its own before a crash.
  BLENDFS_TRY(state.os.SetXattrFd(fd, state.format().Key(layer::kNlink).c_str(),
                                  FormatLinkCount(CountAgainst::kLower, 0), 0));
  auto linked = link(state.stack.index(), entry);
  if (!linked && linked.error().code == EEXIST) {
    // Left by a copy-up that a crash ended between the index and the name: nothing refers to it.
    BLENDFS_TRY(state.os.Unlink(state.stack.index(), entry.c_str()));
    linked = link(state.stack.index(), entry);
  }
  if (linked) state.index_used.store(true, std::memory_order_release);
  return linked;
}

// Takes the index entry back unless the copy gets its name: other names of the lower file would find a
// copy that its own node knows nothing of.
class IndexEntry {
 public:
  explicit IndexEntry(State& state) : state_(state) {}
  ~IndexEntry() {
    if (!name_.empty()) (void)state_.os.Unlink(state_.stack.index(), name_.c_str());
  }
  Status Enter(const std::string& origin, BorrowedFd fd, const Linker& link) {
    BLENDFS_TRY(EnterIndex(state_, origin, fd, link));
    name_ = layer::IndexName(origin);
    return {};
  }
  void Keep(Node& node, int64_t links) {
    if (name_.empty()) return;
    name_.clear();
    node.lower_links.store(links, std::memory_order_release);
    node.link_count.store(links, std::memory_order_release);
    node.indexed.store(true, std::memory_order_release);
  }

 private:
  State& state_;
  std::string name_;
};

// A copy without an origin is found by its own number when one of its names is looked up again: until the kernel
// forgets the node, that has to lead to it. Taken back unless the copy is published.
class OwnNumber {
 public:
  OwnNumber(State& state, Node& node, const std::string& origin, uint64_t upper_ino)
      : state_(state), node_(node) {
    if (origin.empty()) state_.table.AddKey(node_, ObjectKey{0, upper_ino});
  }
  OwnNumber(const OwnNumber&) = delete;
  OwnNumber& operator=(const OwnNumber&) = delete;
  ~OwnNumber() {
    if (!kept_) state_.table.DropKey(node_);
  }
  void Keep() { kept_ = true; }

 private:
  State& state_;
  Node& node_;
  bool kept_ = false;
};

struct Source {
  Place place;
  sys::FileStat stat;
  std::string origin;
};

Result<Source> Look(State& state, Node& node) {
  Source source;
  BLENDFS_ASSIGN(source.place, AttributePlace(state, node));
  BLENDFS_ASSIGN(source.stat, StatPlace(state, source.place));
  // The layer has changed underneath: no copy of something else.
  const mode_t type = node.shown_whiteout ? S_IFREG : node.type;
  if ((source.stat.mode & S_IFMT) != type) return Fail(ESTALE);
  // Without one, in the user.* form, a special file has another number at the next mount, and its lower links part.
  if (!state.format().CanMark(source.stat.mode)) return source;
  BLENDFS_ASSIGN(source.origin,
                 OriginOf(state, node.lower_layer, source.place.dir, source.place.name.c_str()));
  return source;
}

bool NeedsIndex(State& state, const Source& source) {
  return source.stat.nlink > 1 && !source.origin.empty() && state.stack.index();
}

void Publish(Node& node, uint64_t upper_ino, bool with_data) {
  node.upper_ino.store(upper_ino, std::memory_order_relaxed);
  node.publications.fetch_add(1, std::memory_order_release);
  node.data_on_upper.store(with_data, std::memory_order_release);
  node.on_upper.store(true, std::memory_order_release);
}

Status CopyUpRegular(State& state, Node& node, Location& location, bool anonymous, CopyDepth depth,
                     const Source& source) {
  const sys::FileStat& stat = source.stat;
  const bool metacopy = depth == CopyDepth::kMetadata && stat.size >= kMetacopyFrom && !anonymous &&
                        state.options.metadata_only_copies && state.format().metadata_only_copies();
  const uint64_t size = depth == CopyDepth::kEmpty || metacopy ? 0 : stat.size;

  BLENDFS_ASSIGN(const auto file, NewFile::Make(state));
  BLENDFS_TRY(CopyBytes(state, node, file->fd(), size));
  if (metacopy) {
    BLENDFS_TRY(state.os.Truncate(file->fd(), stat.size));
    BLENDFS_TRY(
        state.os.SetXattrFd(file->fd(), state.format().Key(layer::kMetacopy).c_str(), "", 0));
    if (node.lower_pin.load() == nullptr) {
      BLENDFS_ASSIGN(UniqueFd pin,
                     state.os.OpenBeneath(source.place.dir, source.place.name.c_str(), O_PATH));
      PinLower(state, node, node.lower_layer, std::move(pin));
    }
  }
  // The copy that is published empty is the truncated file already, should the truncation itself fail.
  sys::FileStat shown = stat;
  if (depth == CopyDepth::kEmpty) shown.mtime = {0, UTIME_NOW};
  BLENDFS_TRY(CopyMetadata(state, source.place.dir, source.place.name.c_str(), shown, source.origin,
                           file->fd()));
  BLENDFS_TRY(SyncBeforePublish(state, file->fd(), size > 0));
  BLENDFS_ASSIGN(const sys::FileStat made, state.os.StatFd(file->fd()));

  if (anonymous) {
    PinUpper(state, node, file->Take(), Names::kNone);
  } else {
    IndexEntry entry(state);
    if (NeedsIndex(state, source)) {
      BLENDFS_TRY(entry.Enter(
          source.origin, file->fd(),
          [&](BorrowedFd dir, const std::string& name) { return file->LinkTo(dir, name); }));
    }
    BLENDFS_TRY(MarkImpure(state, *location.parent));
    OwnNumber number(state, node, source.origin, made.ino);
    KeepTimes keep(state, location.parent->dir->upper_fd());
    BLENDFS_TRY(file->LinkTo(location.parent->dir->upper_fd(), location.name));
    number.Keep();
    entry.Keep(node, stat.nlink);
  }
  Publish(node, made.ino, !metacopy);
  (metacopy ? state.metadata_copy_ups : state.data_copy_ups)
      .fetch_add(1, std::memory_order_relaxed);
  return {};
}

Status MakeSpecial(State& state, const Source& source, Staged& staged) {
  if (source.stat.IsSymlink()) {
    BLENDFS_ASSIGN(const std::string target,
                   state.os.ReadLink(source.place.dir, source.place.name.c_str()));
    return state.os.MakeSymlink(target.c_str(), staged.dir(), staged.name(), Ourselves());
  }
  if (source.stat.IsRegular()) {
    return MakeShownWhiteout(state, staged.dir(), staged.name(), 0600, Ourselves());
  }
  return state.os.MakeNode(staged.dir(), staged.name(), (source.stat.mode & S_IFMT) | 0600,
                           source.stat.rdev, Ourselves());
}

// Symlinks, devices (shown whiteouts too, empty files), FIFOs and sockets.
Status CopyUpSpecial(State& state, Node& node, Location& location, bool anonymous,
                     const Source& source) {
  Staged staged(state);
  staged.Expect();
  BLENDFS_TRY(MakeSpecial(state, source, staged));
  BLENDFS_ASSIGN(UniqueFd fd, state.os.OpenBeneath(staged.dir(), staged.name(), O_PATH));
  BLENDFS_TRY(CopyMetadata(state, source.place.dir, source.place.name.c_str(), source.stat,
                           source.origin, fd.borrow()));
  BLENDFS_ASSIGN(const sys::FileStat made, state.os.StatFd(fd.borrow()));
  if (anonymous) {
    PinUpper(state, node, std::move(fd), Names::kNone);
  } else {
    IndexEntry entry(state);
    if (NeedsIndex(state, source)) {
      BLENDFS_TRY(
          entry.Enter(source.origin, fd.borrow(), [&](BorrowedFd dir, const std::string& name) {
            return state.os.Link(staged.dir(), staged.name(), dir, name.c_str());
          }));
    }
    BLENDFS_TRY(MarkImpure(state, *location.parent));
    if (node.shown_whiteout) BLENDFS_TRY(MarkShownWhiteouts(state, *location.parent));
    OwnNumber number(state, node, source.origin, made.ino);
    KeepTimes keep(state, location.parent->dir->upper_fd());
    BLENDFS_TRY(staged.Publish(location.parent->dir->upper_fd(), location.name, RENAME_NOREPLACE));
    number.Keep();
    entry.Keep(node, source.stat.nlink);
  }
  Publish(node, made.ino, true);
  state.special_copy_ups.fetch_add(1, std::memory_order_relaxed);
  return {};
}

}  // namespace

Status CopyUpNonDirectory(State& state, Node& node, Location& location, bool anonymous,
                          CopyDepth depth) {
  BLENDFS_ASSIGN(const Source source, Look(state, node));
  if (node.IsRegular()) {
    return CopyUpRegular(state, node, location, anonymous, depth, source);
  }
  return CopyUpSpecial(state, node, location, anonymous, source);
}

namespace {

Status SetTimesOf(State& state, BorrowedFd fd, const sys::FileStat& stat) {
  const timespec times[2] = {stat.atime, stat.mtime};
  return state.os.SetTimesFd(fd, times);
}

// The file capability, where there is one: writing takes it away, whoever writes.
Result<std::optional<std::string>> CapabilityOf(State& state, BorrowedFd fd) {
  auto value = state.os.GetXattrFd(fd, kCapability);
  if (value) return std::move(*value);
  if (value.error().code == ENODATA || value.error().code == EOPNOTSUPP) return std::nullopt;
  return tl::unexpected(value.error());
}

// What a metadata-only copy had before its data came.
struct Before {
  sys::FileStat stat;
  std::optional<std::string> capability;

  Status PutBack(State& state, BorrowedFd fd) const {
    if (capability) BLENDFS_TRY(state.os.SetXattrFd(fd, kCapability, *capability, 0));
    return SetTimesOf(state, fd, stat);
  }
};

// Brings the data of a metadata-only copy to it, whose times stay.
Status FillIn(State& state, Node& node, BorrowedFd fd, const Before& before) {
  BLENDFS_TRY(CopyBytes(state, node, fd, before.stat.size));
  // Before the sync: what it makes durable has the old times.
  BLENDFS_TRY(before.PutBack(state, fd));
  return SyncBeforePublish(state, fd, true);
}

}  // namespace

Status CopyUpDataOnly(State& state, Node& node, bool keep_data) {
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  BLENDFS_ASSIGN(const UniqueFd fd, Object(state, place).Open(O_RDWR));
  Before before;
  BLENDFS_ASSIGN(before.stat, state.os.StatFd(fd.borrow()));
  BLENDFS_ASSIGN(before.capability, CapabilityOf(state, fd.borrow()));
  // The lower file stays the one that is read until the mark goes, so writing in place is safe.
  Status done =
      keep_data ? FillIn(state, node, fd.borrow(), before) : state.os.Truncate(fd.borrow(), 0);
  if (done) {
    done = state.os.RemoveXattrFd(fd.borrow(), state.format().Key(layer::kMetacopy).c_str());
  }
  if (!done) {
    // As it was: space that is short is not kept by half a copy.
    (void)state.os.Truncate(fd.borrow(), 0);
    (void)state.os.Truncate(fd.borrow(), before.stat.size);
    (void)before.PutBack(state, fd.borrow());
    return done;
  }
  node.publications.fetch_add(1, std::memory_order_release);
  node.data_on_upper.store(true, std::memory_order_release);
  state.data_copy_ups.fetch_add(1, std::memory_order_relaxed);
  return {};
}

}  // namespace blendfs::merge::copy_up_internal
