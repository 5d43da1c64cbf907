// SPDX-License-Identifier: MIT
#include "unionfs/merge/lookup.h"

#include "unionfs/merge/links.h"

namespace blendfs::merge {

namespace {

// Identities beside the usual ones, for a second object that claims the identity of a live one (two
// copies of one origin, as an overlayfs without index leaves them; a crafted layer).
constexpr uint32_t kAliasFs = 0x40000000;

}  // namespace

void SetLowerDir(State& state, FoundDir& found, LowerDir& dir) {
  dir.layer = found.layer;
  dir.fd.Set(state.fds, state.stack.layer(found.layer), std::move(found.fd));
  dir.xattr_whiteouts = found.marks.xattr_whiteouts;
  dir.impure = found.marks.impure;
  dir.shown_whiteouts = found.marks.shown_whiteouts;
}

void PinLower(State& state, Node& node, layer::LayerIndex layer, UniqueFd fd) {
  auto pin = std::make_unique<HeldFd>();
  pin->Set(state.fds, state.stack.layer(layer), std::move(fd));
  node.lower_pin.store(pin.release(), std::memory_order_release);
}

void PinUpper(State& state, Node& node, UniqueFd fd, Names names) {
  auto pin = std::make_unique<HeldFd>();
  pin->Set(state.fds, state.stack.layer(0), std::move(fd));
  if (names == Names::kNone) pin->StayOpen();
  const HeldFd* none = nullptr;
  if (node.upper_pin.compare_exchange_strong(none, pin.get())) (void)pin.release();
}

namespace {

std::unique_ptr<Directory> TakeDirectory(State& state, Found& found) {
  auto dir = std::make_unique<Directory>();
  dir->upper.Set(state.fds, state.stack.layer(0), std::move(found.upper_dir));
  dir->impure.store(found.marks.impure, std::memory_order_relaxed);
  dir->shown_whiteouts.store(found.marks.shown_whiteouts, std::memory_order_relaxed);
  dir->upper_xattr_whiteouts = found.marks.xattr_whiteouts;
  dir->lowers = std::vector<LowerDir>(found.lowers.size());
  for (size_t i = 0; i < found.lowers.size(); ++i)
    SetLowerDir(state, found.lowers[i], dir->lowers[i]);
  dir->redirect = found.marks.redirect.value_or("");
  return dir;
}

Node* NewNode(State& state, const ObjectKey& key, Node& parent, const std::string& name,
              Found& found) {
  auto* node = new Node(key, MapIno(state, key), found.type(), state.NextGeneration());
  parent.refs.fetch_add(1, std::memory_order_relaxed);
  node->parent = &parent;
  node->name = name;
  node->upper_ino.store(found.upper ? found.stat.ino : 0, std::memory_order_relaxed);
  node->on_upper.store(found.upper, std::memory_order_relaxed);
  node->lower_layer = found.lower;
  node->shown_whiteout = found.shown_whiteout;
  if (found.stat.IsDir()) {
    node->dir = TakeDirectory(state, found);
    node->data_on_upper.store(found.upper, std::memory_order_relaxed);
    return node;
  }
  node->data_on_upper.store(found.upper && !found.data, std::memory_order_relaxed);
  if (found.data) PinLower(state, *node, found.data_layer, std::move(found.data));
  if (found.index_entry) {
    PinUpper(state, *node, std::move(found.index_entry), Names::kSome);
    node->indexed.store(true, std::memory_order_relaxed);
  }
  node->lower_links.store(found.lower_links, std::memory_order_relaxed);
  if (found.link_count >= 0) {
    node->indexed.store(true, std::memory_order_relaxed);
    node->link_count.store(found.link_count, std::memory_order_relaxed);
  }
  return node;
}

// Whether a live node with the found identity really is the found object.
bool SameObject(State& state, Node& node, Node& parent, const std::string& name,
                const Found& found) {
  if (node.type != found.type()) return false;
  const auto upper_matches = [&] {
    return node.OnUpper() && node.upper_ino.load(std::memory_order_relaxed) == found.stat.ino;
  };
  if (found.upper && upper_matches()) return true;
  if (!found.upper && !node.OnUpper()) return true;
  // One side is on the upper and the other is not: a copy-up that this lookup crossed.
  std::lock_guard busy(node.busy);
  if (found.upper) return upper_matches();
  if (!node.OnUpper() || node.indexed.load(std::memory_order_relaxed)) return true;
  std::lock_guard lock(state.LocationLock(node));
  return node.parent == &parent && node.name == name;
}

}  // namespace

Result<NodeRef> NodeFor(State& state, Node& parent, const std::string& name, Found& found) {
  if (found.upper && !found.stat.IsDir() && found.marks.origin) {
    BLENDFS_TRY(ReadLinkCount(state, parent, name, found));
  }
  ObjectKey key = found.key;
  // The second round is for an identity that another object holds.
  for (int round = 0; round < 2; ++round) {
    bool made = false;
    NodeRef node = state.table.FindOrInsert(
        key, [&] { return NewNode(state, key, parent, name, found); }, &made);
    if (made || SameObject(state, *node, parent, name, found)) {
      if (!made && !node->IsDir() && found.lower == node->lower_layer) {
        // Reached by another of its links: remember a name that works.
        std::unique_lock lock(state.LocationLock(*node));
        const bool renew = !node->name_valid;
        lock.unlock();
        if (renew) SetLocation(state, *node, parent, name);
      }
      return node;
    }
    key = found.upper ? ObjectKey{kAliasFs, found.stat.ino}
                      : ObjectKey{kAliasFs | (found.key.fs + 1), found.key.ino};
  }
  return Fail(ESTALE, "two objects with one identity");
}

Result<NodeRef> LookupNode(State& state, Node& parent, const std::string& name, Found* found) {
  auto there = Find(state, parent, name);
  if (!there) {
    if (there.error().code == ENOENT) state.misses.fetch_add(1, std::memory_order_relaxed);
    return tl::unexpected(there.error());
  }
  *found = std::move(*there);
  const layer::LayerIndex provider = found->upper ? layer::LayerIndex{0} : found->lower;
  state.layer_hits[provider].fetch_add(1, std::memory_order_relaxed);
  return NodeFor(state, parent, name, *found);
}

NodeRef NodeForNew(State& state, Node& parent, const std::string& name, const sys::FileStat& stat,
                   UniqueFd directory, bool shown_whiteout) {
  const ObjectKey key{0, stat.ino};
  Found found;
  found.stat = stat;
  found.shown_whiteout = shown_whiteout;
  found.upper = true;
  found.key = key;
  found.upper_dir = std::move(directory);
  Node* node = NewNode(state, key, parent, name, found);
  state.table.Insert(*node);
  return NodeRef(state.table, node);
}

Attr ToAttr(State& state, Node& node, const sys::FileStat& stat) {
  Attr attr = stat;
  attr.ino = node.ino;
  attr.dev = 0;
  attr.mode = node.type | (stat.mode & 07777);  // of another type only where a whiteout is shown
  if (node.unlinked.load(std::memory_order_acquire)) {
    attr.nlink = 0;
  } else if (node.IsDir()) {
    // Subdirectories are not counted over layers: 1 is the convention for "unknown".
    if (!node.dir->lowers.empty() && (node.OnUpper() || node.dir->lowers.size() > 1))
      attr.nlink = 1;
  } else if (const int64_t count = node.link_count.load(std::memory_order_acquire); count >= 0) {
    attr.nlink = static_cast<uint32_t>(count);
  }
  if (node.IsRegular() && node.OnUpper() && !node.DataOnUpper()) {
    const HeldFd* data = node.lower_pin.load(std::memory_order_acquire);
    if (auto lower = state.os.StatFd(data ? data->borrow() : BorrowedFd()))
      attr.blocks = lower->blocks;
  }
  return attr;
}

Entry ToEntry(NodeRef node, const Attr& attr) {
  Entry entry;
  entry.attr = attr;
  entry.generation = node->generation;
  entry.node = node.release();
  return entry;
}

}  // namespace blendfs::merge
