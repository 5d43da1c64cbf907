// SPDX-License-Identifier: MIT
// Opening and closing a union, and looking names up in it.
#include "unionfs/merge/union.h"

#include <fcntl.h>

#include "unionfs/merge/lookup.h"
#include "unionfs/merge/state.h"

namespace blendfs::merge {

namespace {

Result<Node*> MakeRoot(State& state) {
  auto dir = std::make_unique<Directory>();
  ObjectKey key;
  mode_t mode = 0;
  const auto& layers = state.stack.layers();
  dir->lowers = std::vector<LowerDir>(layers.size() - state.stack.first_lower());
  for (size_t i = 0; i < layers.size(); ++i) {
    const layer::Layer& layer = layers[i];
    BLENDFS_ASSIGN(UniqueFd fd,
                   state.os.OpenBeneath(layer.root.borrow(), ".", O_PATH | O_DIRECTORY));
    BLENDFS_ASSIGN(const sys::FileStat stat, state.os.StatFd(fd.borrow()));
    BLENDFS_ASSIGN(const layer::Marks marks,
                   layer::ReadMarksFd(state.os, state.format(), fd.borrow()));
    const bool upper = i == 0 && state.stack.has_upper();
    // The root's identity too is its topmost lower directory's.
    if (i <= state.stack.first_lower()) key = ObjectKey{layer.fs, stat.ino};
    if (mode == 0) mode = stat.mode;
    if (upper) {
      dir->upper.Set(state.fds, layer, std::move(fd));
      dir->impure.store(marks.impure);
      dir->shown_whiteouts.store(marks.shown_whiteouts);
      dir->upper_xattr_whiteouts = marks.xattr_whiteouts;
    } else {
      FoundDir found{static_cast<layer::LayerIndex>(i), std::move(fd), marks};
      SetLowerDir(state, found, dir->lowers[i - state.stack.first_lower()]);
    }
  }
  auto* root = new Node(key, MapIno(state, key), mode, state.NextGeneration());
  root->dir = std::move(dir);
  root->on_upper.store(state.stack.has_upper());
  root->data_on_upper.store(state.stack.has_upper());
  if (const BorrowedFd upper = root->dir->upper_fd()) {
    auto stat = state.os.StatFd(upper);
    if (stat) root->upper_ino.store(stat->ino);
  }
  state.table.Insert(*root);
  return root;
}

}  // namespace

Union::Union(std::unique_ptr<State> state) : state_(std::move(state)) {}
Union::~Union() = default;

Result<std::unique_ptr<Union>> Union::Open(sys::Calls& os, layer::Stack stack, Options options) {
  auto state = std::make_unique<State>(os, std::move(stack), std::move(options));
  BLENDFS_ASSIGN(state->root, MakeRoot(*state));
  if (state->stack.index()) {
    BLENDFS_ASSIGN(const auto entries, os.List(state->stack.index()));
    state->index_used.store(!entries.empty());
  }
  return std::unique_ptr<Union>(new Union(std::move(state)));
}

FdKeeper& Union::descriptors() { return state_->fds; }
Node& Union::root() { return *state_->root; }
bool Union::read_only() const { return !state_->stack.has_upper(); }

std::set<dev_t> Union::LayerDevices() const {
  std::set<dev_t> devices;
  for (const layer::Layer& layer : state_->stack.layers()) devices.insert(layer.dev);
  return devices;
}

std::string Union::OwnXattrPrefix() const { return state_->format().OwnKey(""); }

Counters Union::counters() const {
  Counters counters;
  counters.nodes = state_->table.size();
  counters.descriptors = state_->fds.open();
  counters.data_copy_ups = state_->data_copy_ups.load(std::memory_order_relaxed);
  counters.metadata_copy_ups = state_->metadata_copy_ups.load(std::memory_order_relaxed);
  counters.directory_copy_ups = state_->directory_copy_ups.load(std::memory_order_relaxed);
  counters.special_copy_ups = state_->special_copy_ups.load(std::memory_order_relaxed);
  counters.copied_bytes = state_->copied_bytes.load(std::memory_order_relaxed);
  counters.misses = state_->misses.load(std::memory_order_relaxed);
  const auto& layers = state_->stack.layers();
  for (size_t i = 0; i < layers.size(); ++i) {
    const uint64_t hits = state_->layer_hits[i].load(std::memory_order_relaxed);
    counters.layers.push_back({layers[i].path, layers[i].writable, hits});
  }
  return counters;
}

Result<Entry> Union::Lookup(Node& parent, std::string_view name_view) {
  if (!parent.IsDir()) return Fail(ENOTDIR);
  const std::string name(name_view);
  Found found;
  BLENDFS_ASSIGN(NodeRef node, LookupNode(*state_, parent, name, &found));
  // A copy-up may have crossed the look at the layers: the attributes must be the upper object's.
  if (node->OnUpper() != found.upper || node->IsDir()) {
    BLENDFS_ASSIGN(const Attr attr, GetAttr(*node, nullptr));
    return ToEntry(std::move(node), attr);
  }
  const Attr attr = ToAttr(*state_, *node, found.stat);
  return ToEntry(std::move(node), attr);
}

void Union::Forget(Node& node, uint64_t count) {
  if (&node == state_->root) return;
  state_->table.Release(node, count);
  state_->table.ReturnMemory();
}

}  // namespace blendfs::merge
