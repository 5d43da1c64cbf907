// SPDX-License-Identifier: MIT
// Names of attributes, and what the attributes of one object say. Origins are in origin.cc.
#include "unionfs/layer/format.h"

#include <sys/stat.h>

#include <array>

namespace blendfs::layer {
namespace {

constexpr size_t kMaxRedirectBytes = 4096;
constexpr size_t kMaxNameBytes = 255;

// A prefix that belongs to the union, and what is put after it to keep a user's key of that prefix
// apart: trusted.overlay.X is kept as trusted.overlay.overlay.X.
struct OwnPrefix {
  std::string_view prefix;
  std::string_view escape;
};
constexpr std::array<OwnPrefix, 2> kTrusted = {
    {{"trusted.overlay.", "overlay."}, {"trusted.blendfs.", "blendfs."}}};
constexpr std::array<OwnPrefix, 2> kUser = {
    {{"user.overlay.", "overlay."}, {"user.blendfs.", "blendfs."}}};

const std::array<OwnPrefix, 2>& OwnPrefixes(const std::string& prefix) {
  return prefix.starts_with("user.") ? kUser : kTrusted;
}

// One component of a redirect.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != "..";
}

// Everything a mark can say; `value` holds what is on disk.
void ReadMark(std::string_view mark, std::string&& value, Marks* marks) {
  if (mark == kOpaque) {
    marks->opaque = value == "y";
    marks->xattr_whiteouts = value == "x";
  } else if (mark == kImpure) {
    marks->impure = value == "y";
  } else if (mark == kMetacopy) {
    marks->metacopy = true;
  } else if (mark == kWhiteout) {
    marks->whiteout = true;
  } else if (mark == kRedirect) {
    marks->redirect = ParseRedirect(value);
    marks->bad_redirect = !marks->redirect;
  } else if (mark == kOrigin) {
    marks->origin = std::move(value);
  }
}

bool IsMark(std::string_view suffix) {
  return suffix == kOpaque || suffix == kImpure || suffix == kMetacopy || suffix == kWhiteout ||
         suffix == kRedirect || suffix == kOrigin;
}

// `list` and `get` reach the attributes of one object.
template <typename List, typename Get>
Result<Marks> ReadAll(const Format& format, List list, Get get) {
  Marks marks;
  const Result<std::vector<std::string>> keys = list();
  if (!keys) {
    if (keys.error().code == EOPNOTSUPP) return marks;  // a file system without attributes
    return tl::unexpected(keys.error());
  }
  const std::string shown_whiteout = format.OwnKey(kShownWhiteout);
  const std::string shown_whiteouts = format.OwnKey(kShownWhiteouts);
  for (const std::string& key : *keys) {
    if (key == shown_whiteout) marks.shown_whiteout = true;
    if (key == shown_whiteouts) marks.shown_whiteouts = true;
    if (!key.starts_with(format.prefix())) continue;
    const std::string_view mark = std::string_view(key).substr(format.prefix().size());
    if (!IsMark(mark)) continue;
    Result<std::string> value = get(key.c_str());
    if (value) {
      ReadMark(mark, std::move(*value), &marks);
    } else if (value.error().code != ENODATA) {  // it may go between the list and here
      return tl::unexpected(value.error());
    }
  }
  return marks;
}

}  // namespace

std::string Format::OwnKey(std::string_view suffix) const {
  return std::string(OwnPrefixes(prefix_).back().prefix) + std::string(suffix);
}

std::string Format::ToDisk(std::string_view user_key) const {
  for (const OwnPrefix& own : OwnPrefixes(prefix_)) {
    if (!user_key.starts_with(own.prefix)) continue;
    std::string disk(own.prefix);
    disk += own.escape;
    disk += user_key.substr(own.prefix.size());
    return disk;
  }
  return std::string(user_key);
}

std::optional<std::string> Format::ToUser(std::string_view disk_key) const {
  for (const OwnPrefix& own : OwnPrefixes(prefix_)) {
    if (!disk_key.starts_with(own.prefix)) continue;
    const std::string_view rest = disk_key.substr(own.prefix.size());
    if (!rest.starts_with(own.escape)) return std::nullopt;
    std::string user(own.prefix);
    user += rest.substr(own.escape.size());
    return user;
  }
  return std::string(disk_key);
}

bool IsWhiteoutDevice(const sys::FileStat& stat) { return S_ISCHR(stat.mode) && stat.rdev == 0; }

Result<Marks> ReadMarks(sys::Calls& os, const Format& format, BorrowedFd dir, const char* name) {
  return ReadAll(
      format, [&] { return os.ListXattr(dir, name); },
      [&](const char* key) { return os.GetXattr(dir, name, key); });
}

Result<Marks> ReadMarksFd(sys::Calls& os, const Format& format, BorrowedFd fd) {
  return ReadAll(
      format, [&] { return os.ListXattrFd(fd); },
      [&](const char* key) { return os.GetXattrFd(fd, key); });
}

std::optional<std::string> ParseRedirect(std::string_view raw) {
  if (raw.empty() || raw.size() > kMaxRedirectBytes) return std::nullopt;
  if (raw.find('\0') != raw.npos) return std::nullopt;
  if (raw.front() != '/') {
    if (raw.find('/') != raw.npos || !IsPlainName(raw)) return std::nullopt;
    return std::string(raw);
  }
  for (size_t at = 1;;) {
    const size_t slash = raw.find('/', at);
    if (!IsPlainName(raw.substr(at, slash == raw.npos ? slash : slash - at))) return std::nullopt;
    if (slash == raw.npos) return std::string(raw);
    at = slash + 1;
  }
}

}  // namespace blendfs::layer
