// SPDX-License-Identifier: MIT
// Where the objects behind the nodes are.
#include "unionfs/merge/state.h"

namespace blendfs::merge {

namespace {

Place Pinned(BorrowedFd fd) { return Place{NodeRef(), fd, std::string()}; }

}  // namespace

Location CurrentLocation(State& state, Node& node) {
  std::lock_guard lock(state.LocationLock(node));
  if (node.parent == nullptr) return {};
  return Location{NodeRef::Share(state.table, *node.parent), node.name};
}

void SetLocation(State& state, Node& node, Node& parent, const std::string& name) {
  parent.refs.fetch_add(1, std::memory_order_relaxed);
  NodeRef old;  // released after the lock
  std::lock_guard lock(state.LocationLock(node));
  old = NodeRef(state.table, node.parent);
  node.parent = &parent;
  node.name = name;
  node.name_valid = true;
}

Result<Place> AttributePlace(State& state, Node& node) {
  if (node.IsDir()) {
    if (const BorrowedFd upper = node.dir->upper_fd()) return Pinned(upper);
    return Pinned(node.dir->lowers.front().fd.borrow());
  }
  const bool upper = node.OnUpper();
  if (upper) {
    if (const HeldFd* pin = node.upper_pin.load(std::memory_order_acquire))
      return Pinned(pin->borrow());
  }
  Location location = CurrentLocation(state, node);
  const Directory& dir = *location.parent->dir;
  if (upper) return Place{std::move(location.parent), dir.upper_fd(), std::move(location.name)};
  const LowerDir* lower = dir.InLayer(node.lower_layer);
  // It may have been copied up and moved since `upper` was read: the caller sees the upper next time.
  if (lower == nullptr) return node.OnUpper() ? AttributePlace(state, node) : Fail(ESTALE);
  return Place{std::move(location.parent), lower->fd.borrow(), std::move(location.name)};
}

Result<Place> DataPlace(State& state, Node& node) {
  if (node.DataOnUpper()) return AttributePlace(state, node);
  if (const HeldFd* pin = node.lower_pin.load(std::memory_order_acquire))
    return Pinned(pin->borrow());
  return AttributePlace(state, node);
}

Result<sys::FileStat> StatPlace(State& state, const Place& place) {
  if (place.pinned()) return state.os.StatFd(place.dir);
  return state.os.Stat(place.dir, place.name.c_str());
}

uint64_t MapIno(const State& state, const ObjectKey& key) {
  constexpr int kFsShift = 48;
  (void)state;
  // Aliases (see lookup.cc) carry a high bit of their own and never meet a plain identity.
  const uint64_t high =
      (key.fs & 0x40000000U) != 0 ? 0x4000U | (key.fs & 0x3fffU) : key.fs & 0x3fffU;
  return key.ino ^ (high << kFsShift);
}

std::string LowerPath(State& state, Node& node) {
  std::vector<std::string> parts;
  NodeRef current = NodeRef::Share(state.table, node);
  while (current.get() != state.root) {
    NodeRef parent;
    {
      std::lock_guard lock(state.LocationLock(*current));
      const std::string& redirect = current->dir->redirect;
      parts.push_back(redirect.empty() ? current->name : redirect);
      if (current->parent == nullptr) break;
      parent = NodeRef::Share(state.table, *current->parent);
    }
    if (parts.back()[0] == '/') break;
    current = std::move(parent);
  }
  std::string path;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if ((*part)[0] == '/') {
      path = *part;
    } else {
      path += '/';
      path += *part;
    }
  }
  return path;
}

}  // namespace blendfs::merge
