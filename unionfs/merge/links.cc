// SPDX-License-Identifier: MIT
#include "unionfs/merge/links.h"

#include <fcntl.h>

#include <charconv>

#include "unionfs/merge/object.h"

namespace blendfs::merge {

namespace {

// "U+2" or "L-1" -> the number of links in the union.
std::optional<int64_t> ParseLinkCount(std::string_view text, int64_t upper_links,
                                      int64_t lower_links) {
  if (text.size() < 3 || (text[0] != 'U' && text[0] != 'L')) return std::nullopt;
  if (text[1] != '+' && text[1] != '-') return std::nullopt;
  int32_t difference = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 2, end, difference);
  if (error != std::errc() || stop != end) return std::nullopt;
  const int64_t base = text[0] == 'U' ? upper_links : lower_links;
  const int64_t count = text[1] == '+' ? base + difference : base - difference;
  return count > 0 ? std::optional(count) : std::nullopt;
}

Result<int64_t> LinkCountOf(State& state, BorrowedFd upper, int64_t upper_links,
                            int64_t lower_links) {
  auto text = state.os.GetXattrFd(upper, state.format().Key(layer::kNlink).c_str());
  if (!text && text.error().code != ENODATA && text.error().code != EOPNOTSUPP) {
    return tl::unexpected(text.error());
  }
  std::optional<int64_t> count;
  if (text) count = ParseLinkCount(*text, upper_links, lower_links);
  // Without the attribute every link but the index's own is a name.
  return count.value_or(std::max<int64_t>(1, upper_links - 1));
}

// What a handle that leads nowhere says, or one that a file system never gave out.
bool LeadsNowhere(int code) {
  return code == ESTALE || code == ENOENT || code == EINVAL || code == EOVERFLOW ||
         code == EOPNOTSUPP || code == EPERM || code == EACCES || code == ELOOP;
}

// No such name, or, from a crafted origin or index, none that there can be.
bool IsAbsent(int code) {
  return code == ENOENT || code == ENOTDIR || code == ELOOP || code == ENAMETOOLONG;
}

std::string EncodedOrigin(const layer::Layer& layer, sys::Handle handle) {
  return layer::EncodeOrigin(layer::Origin{std::move(handle), layer.uuid});
}

}  // namespace

Result<std::optional<OriginObject>> FollowOrigin(State& state, const std::string& raw,
                                                 mode_t mode) {
  const auto origin = layer::DecodeOrigin(raw);
  if (!origin) return std::optional<OriginObject>();
  uint32_t tried = UINT32_MAX;
  const auto& layers = state.stack.layers();
  for (size_t i = state.stack.first_lower(); i < layers.size(); ++i) {
    const layer::Layer& layer = layers[i];
    if (!layer.handles || layer.fs == tried || layer.uuid != origin->uuid) continue;
    tried = layer.fs;
    auto fd = state.os.OpenHandle(layer.mount.borrow(), origin->handle, O_PATH);
    if (!fd && LeadsNowhere(fd.error().code)) continue;
    if (!fd) return tl::unexpected(fd.error());
    BLENDFS_ASSIGN(const sys::FileStat stat, state.os.StatFd(fd->borrow()));
    if ((stat.mode & S_IFMT) == (mode & S_IFMT)) {
      return std::optional(OriginObject{ObjectKey{layer.fs, stat.ino}, stat.nlink});
    }
  }
  return std::optional<OriginObject>();
}

Result<std::string> OriginOf(State& state, layer::LayerIndex layer, BorrowedFd dir,
                             const char* name) {
  const layer::Layer& lower = state.stack.layer(layer);
  if (!lower.handles) return "";
  auto handle = state.os.NameToHandle(dir, name);
  if (handle) return EncodedOrigin(lower, std::move(*handle));
  if (handle.error().code == EOPNOTSUPP || handle.error().code == EOVERFLOW) return "";
  return tl::unexpected(handle.error());
}

Status FindInIndex(State& state, Node& parent, const std::string& name, Found& found) {
  if (!state.index_used.load(std::memory_order_acquire)) return {};
  const LowerDir* lower = parent.dir->InLayer(found.lower);
  if (lower == nullptr) return {};
  BLENDFS_ASSIGN(const std::string origin,
                 OriginOf(state, found.lower, lower->fd.borrow(), name.c_str()));
  if (origin.empty()) return {};
  auto entry = state.os.OpenBeneath(state.stack.index(), layer::IndexName(origin).c_str(), O_PATH);
  if (!entry && IsAbsent(entry.error().code)) return {};
  if (!entry) return tl::unexpected(entry.error());
  BLENDFS_ASSIGN(const sys::FileStat stat, state.os.StatFd(entry->borrow()));
  if ((stat.mode & S_IFMT) != (found.stat.mode & S_IFMT)) return {};
  found.lower_links = found.stat.nlink;
  BLENDFS_ASSIGN(found.link_count,
                 LinkCountOf(state, entry->borrow(), stat.nlink, found.lower_links));
  found.upper = true;
  BLENDFS_ASSIGN(found.marks, layer::ReadMarksFd(state.os, state.format(), entry->borrow()));
  if (found.marks.metacopy) {
    BLENDFS_ASSIGN(found.data, state.os.OpenBeneath(lower->fd.borrow(), name.c_str(), O_PATH));
    found.data_layer = found.lower;
  }
  found.stat = stat;
  found.index_entry = std::move(*entry);
  return {};
}

Status ReadLinkCount(State& state, Node& parent, const std::string& name, Found& found) {
  if (found.link_count >= 0 || found.stat.nlink < 2) return {};
  if (!state.index_used.load(std::memory_order_acquire)) return {};
  const std::string entry = layer::IndexName(*found.marks.origin);
  auto indexed = state.os.Stat(state.stack.index(), entry.c_str());
  if (!indexed && !IsAbsent(indexed.error().code)) return tl::unexpected(indexed.error());
  if (!indexed || indexed->ino != found.stat.ino) return {};
  auto upper = state.os.OpenBeneath(parent.dir->upper_fd(), name.c_str(), O_PATH);
  if (!upper && IsAbsent(upper.error().code)) return {};
  if (!upper) return tl::unexpected(upper.error());
  BLENDFS_ASSIGN(found.link_count,
                 LinkCountOf(state, upper->borrow(), found.stat.nlink, found.lower_links));
  return {};
}

Result<int64_t> RealLinks(State& state, Node& node) {
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  BLENDFS_ASSIGN(const sys::FileStat stat, StatPlace(state, place));
  return static_cast<int64_t>(stat.nlink);
}

std::string FormatLinkCount(CountAgainst base, int64_t difference) {
  return (base == CountAgainst::kUpper ? "U" : "L") + std::string(difference < 0 ? "-" : "+") +
         std::to_string(std::abs(difference));
}

Status WriteLinkCount(State& state, Node& node, CountAgainst base) {
  const int64_t count = node.link_count.load(std::memory_order_acquire);
  if (count < 0) return {};
  int64_t links = node.lower_links.load(std::memory_order_acquire);
  if (base == CountAgainst::kUpper) {
    BLENDFS_ASSIGN(links, RealLinks(state, node));
  }
  BLENDFS_ASSIGN(const Place place, AttributePlace(state, node));
  const std::string text = FormatLinkCount(base, count - links);
  return Object(state, place).SetXattr(state.format().Key(layer::kNlink), text, 0);
}

void DropIndexEntry(State& state, Node& node) {
  auto place = AttributePlace(state, node);
  if (!place) return;
  auto origin = Object(state, *place).GetXattr(state.format().Key(layer::kOrigin));
  if (!origin) return;
  // A leftover entry costs space until the next repair, nothing else.
  (void)state.os.Unlink(state.stack.index(), layer::IndexName(*origin).c_str());
}

}  // namespace blendfs::merge
