// SPDX-License-Identifier: MIT
// The on-disk format of a layer: overlayfs's own whiteouts, opaque directories, redirects, origins
// and metadata-only copies, and its escaping of nested overlays. What is written here mounts under
// kernel overlayfs. Decoding treats every byte as hostile.
// Thread-safety: pure functions and immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unionfs/base/result.h"
#include "unionfs/sys/calls.h"

namespace blendfs::layer {

// trusted.overlay.* or, with userxattr, user.overlay.*
class Format {
 public:
  explicit Format(bool userxattr)
      : prefix_(userxattr ? "user.overlay." : "trusted.overlay."), metadata_only_(!userxattr) {}

  // Metadata-only copies are neither made nor read where anybody could have made the attribute, as in overlayfs.
  bool metadata_only_copies() const { return metadata_only_; }
  const std::string& prefix() const { return prefix_; }
  std::string Key(std::string_view suffix) const { return prefix_ + std::string(suffix); }
  // Whether an object of that type can carry marks: user.* is for regular files and directories only.
  bool CanMark(mode_t mode) const { return prefix_[0] == 't' || S_ISREG(mode) || S_ISDIR(mode); }
  // blendfs's own: trusted.blendfs.* or user.blendfs.*
  std::string OwnKey(std::string_view suffix) const;

  // --- names as the user of the union sees them <-> names on disk ---
  // A user's "trusted.overlay.X" is kept as "trusted.overlay.overlay.X" (and "trusted.blendfs.X" as
  // "trusted.blendfs.blendfs.X"; user.* with userxattr). Others map to themselves. The result can be
  // longer than the kernel takes (255): it says ERANGE then.
  std::string ToDisk(std::string_view user_key) const;
  // nullopt: the key is blendfs's or overlayfs's own and hidden from the user of the union
  // (trusted.blendfs.* too).
  std::optional<std::string> ToUser(std::string_view disk_key) const;

 private:
  std::string prefix_;
  bool metadata_only_;
};

inline constexpr char kOpaque[] = "opaque";      // "y"; "x" = may contain xattr whiteouts
inline constexpr char kRedirect[] = "redirect";  // a name, or a path from the layer root
inline constexpr char kOrigin[] = "origin";      // struct ovl_fh of the lower object
inline constexpr char kImpure[] = "impure";      // "y": the directory holds objects with an origin
inline constexpr char kMetacopy[] = "metacopy";  // data is still in a lower layer
inline constexpr char kWhiteout[] = "whiteout";  // on a zero-size regular file
inline constexpr char kNlink[] = "nlink";

// A character device 0:0 that a user of the union made, as a union stacked on this one does for its whiteouts,
// cannot be kept as one: it would hide. It is kept as what overlayfs keeps for it, an empty file that a union
// stacked on top sees as a whiteout of the xattr form, and shown as the device it was made as because of a mark
// of blendfs's own; another one on its directory says that there may be such files in it.
inline constexpr char kShownWhiteout[] = "whiteout";    // of blendfs's own, on the file
inline constexpr char kShownWhiteouts[] = "whiteouts";  // the same, on the directory

// Character device 0:0.
bool IsWhiteoutDevice(const sys::FileStat& stat);

// What the overlay attributes of one object say. Read with as few system calls as possible (one
// ListXattr when there are none).
struct Marks {
  bool opaque = false;           // opaque = "y"
  bool xattr_whiteouts = false;  // opaque = "x": children may be whiteouts of the xattr form
  bool metacopy = false;
  bool whiteout = false;  // has the whiteout attribute
  bool impure = false;
  bool shown_whiteout = false;          // a file that is to be shown as a device 0:0
  bool shown_whiteouts = false;         // children may be such files
  std::optional<std::string> redirect;  // validated by ParseRedirect
  bool bad_redirect = false;  // there is one, but it breaks the grammar: `redirect` is empty
  std::optional<std::string> origin;  // raw bytes, validated by DecodeOrigin on use
};
Result<Marks> ReadMarks(sys::Calls& os, const Format& format, BorrowedFd dir, const char* name);
Result<Marks> ReadMarksFd(sys::Calls& os, const Format& format, BorrowedFd fd);

// A redirect is either one name or an absolute path. Rejected with EINVAL-like nullopt: empty, NUL,
// ".", "..", "a//b", a name longer than 255, more than 4096 bytes, relative with a slash, trailing slash.
std::optional<std::string> ParseRedirect(std::string_view raw);

// overlayfs's struct ovl_fb (version 0, magic 0xfb), as kept in the origin attribute: without the
// padding that the kernel has before it in memory. See origin.cc for the bytes.
struct Origin {
  sys::Handle handle;
  std::vector<uint8_t> uuid;  // 16 bytes, of the lower file system, zeros if unknown
};
// "" (overlayfs's "copied up, origin unknown") if the handle does not fit the format.
std::string EncodeOrigin(const Origin& origin);
// nullopt: unknown, foreign (other version or byte order) or malformed.
std::optional<Origin> DecodeOrigin(std::string_view raw);
// Name of the index entry for an origin: lower-case hex of the encoded handle, as overlayfs does.
std::string IndexName(std::string_view encoded_origin);

}  // namespace blendfs::layer
