// SPDX-License-Identifier: MIT
// The work directory: leftovers, the marks of those who want it left alone, and the index of hard links.
#include <fcntl.h>

#include <charconv>
#include <optional>

#include "unionfs/inspect/check.h"
#include "unionfs/layer/work.h"
#include "unionfs/merge/links.h"

namespace blendfs::inspect {
namespace {

constexpr char kIncompat[] = "incompat";

std::optional<std::string> FromHex(std::string_view text) {
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  std::string raw;
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t byte = 0;
    const auto [end, error] = std::from_chars(&text[i], &text[i] + 2, byte, 16);
    if (error != std::errc() || end != &text[i] + 2) return std::nullopt;
    raw.push_back(static_cast<char>(byte));
  }
  return raw;
}

// "U-1" on an object with one link: the last name was removed, and a crash came before the index entry went.
bool CountsNoName(std::string_view text, uint32_t links) {
  if (!text.starts_with("U-")) return false;
  uint32_t less = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), less);
  return error == std::errc() && end == text.data() + text.size() && less >= links;
}

// overlayfs makes one whiteout and links the others to it; the first one stays, and is no sign of a crash.
Result<bool> IsWhiteoutToLink(sys::Calls& os, BorrowedFd dir, const std::string& name) {
  if (!name.starts_with('#')) return false;
  BLENDFS_ASSIGN(const sys::FileStat stat, os.Stat(dir, name.c_str()));
  return layer::IsWhiteoutDevice(stat);
}

}  // namespace

Status Checker::CheckWork() {
  if (const BorrowedFd work = state_.stack.work()) BLENDFS_TRY(CheckLeftovers(work));
  if (state_.stack.index()) BLENDFS_TRY(CheckIndex());
  return {};
}

Status Checker::CheckLeftovers(BorrowedFd work) {
  BLENDFS_ASSIGN(auto entries, state_.os.List(work));
  for (size_t i = entries.size(); i-- > 0;) {
    BLENDFS_ASSIGN(const bool usual, IsWhiteoutToLink(state_.os, work, entries[i].name));
    if (usual) entries.erase(entries.begin() + static_cast<ptrdiff_t>(i));
  }
  bool hands_off = false;
  for (const sys::DirEntry& entry : entries) {
    if (entry.name != kIncompat) continue;
    const std::string path = std::string("workdir:work/") + kIncompat;
    const auto dir = state_.os.OpenBeneath(work, kIncompat, O_RDONLY | O_DIRECTORY);
    const auto features = dir ? state_.os.List(dir->borrow()) : tl::unexpected(dir.error());
    if (!features) continue;  // something else of that name is a leftover like any other
    for (const sys::DirEntry& feature : *features) {
      hands_off = true;
      if (feature.name == "volatile") {
        Note("volatile", path + "/volatile",
             "the upper was mounted volatile and not finished: it may be incomplete");
      } else {
        Note("incompatible", path + "/" + feature.name,
             "the upper needs a feature that blendfs does not know");
      }
    }
  }
  std::string mended;
  bool leftovers = false;
  for (const sys::DirEntry& entry : entries) leftovers |= entry.name != kIncompat || !hands_off;
  if (leftovers && mending_.on && !hands_off) {
    std::string culprit;
    const Status removed = layer::RemoveAll(state_.os, work, &culprit);
    mended =
        removed ? "removed" : "not mended: '" + culprit + "' stays: " + Reason(removed.error());
  }
  for (const sys::DirEntry& entry : entries) {
    if (entry.name == kIncompat && hands_off) continue;
    Note("leftover", "workdir:work/" + entry.name,
         "of an operation that a crash interrupted; the next mount removes it", mended);
  }
  return {};
}

Status Checker::CheckIndex() {
  BLENDFS_ASSIGN(const auto entries, state_.os.List(state_.stack.index()));
  for (const sys::DirEntry& entry : entries) BLENDFS_TRY(CheckIndexEntry(entry.name));
  return {};
}

Status Checker::CheckIndexEntry(const std::string& name) {
  const BorrowedFd index = state_.stack.index();
  const std::string where = "workdir:index/" + name;
  const auto remove = [&] { return state_.os.Unlink(index, name.c_str()); };
  BLENDFS_ASSIGN(const bool usual, IsWhiteoutToLink(state_.os, index, name));
  if (usual) return {};
  if (name.starts_with('#')) {
    std::string mended;
    BLENDFS_ASSIGN(const sys::FileStat stat, state_.os.Stat(index, name.c_str()));
    if (mending_.on && !stat.IsDir()) mended = Mend(index, "removed", remove);
    Note("leftover", where, "of an operation that a crash interrupted; the next mount removes it",
         mended);
    return {};
  }
  BLENDFS_ASSIGN(const sys::FileStat stat, state_.os.Stat(index, name.c_str()));
  if (stat.IsDir() || layer::IsWhiteoutDevice(stat)) return {};  // overlayfs's, for nfs_export
  const auto raw = FromHex(name);
  const auto origin = raw ? layer::DecodeOrigin(*raw) : std::nullopt;
  if (!origin) {
    Note("index", where, "is not named for an origin: nothing finds it");
    return {};
  }
  BLENDFS_ASSIGN(const layer::Marks marks,
                 layer::ReadMarks(state_.os, state_.format(), index, name.c_str()));
  if (marks.origin != *raw) {
    Note("index", where, "does not carry the origin that it is named for");
    return {};
  }
  const auto count =
      state_.os.GetXattr(index, name.c_str(), state_.format().Key(layer::kNlink).c_str());
  if (count && CountsNoName(*count, stat.nlink)) {
    Note("index", where, "of a file whose last name was removed: it only takes space");
    return {};
  }
  if (!AnyHandles(state_.stack)) return {};
  BLENDFS_ASSIGN(const auto followed, merge::FollowOrigin(state_, *raw, stat.mode));
  if (followed) return {};
  std::string mended;
  // With a name of its own on the upper the file loses nothing; without one the entry is all there is of it.
  if (stat.nlink > 1 && !marks.metacopy && MendsByLayers()) mended = Mend(index, "removed", remove);
  Note("index", where, "is for a lower file that is not there any more", mended);
  return {};
}

}  // namespace blendfs::inspect
