// SPDX-License-Identifier: MIT
// Origins: which lower object an upper one was copied from, as a file handle that outlives renames.
//
// The bytes, as overlayfs has written them since Linux 4.12:
//   0      version, 0
//   1      magic, 0xfb
//   2      length of all of this, in bytes
//   3      flags: 1 big-endian handle, 2 handle is the same in any byte order, 4 of an upper object
//   4      type of the handle (fid_type)
//   5-20   UUID of the file system
//   21-    the handle, a whole number of 32-bit words
// An empty attribute says "copied up, origin unknown". A larger version, unknown flags or the other
// byte order are treated the same.
#include <fcntl.h>

#include <algorithm>
#include <bit>

#include "unionfs/layer/format.h"

namespace blendfs::layer {
namespace {

constexpr size_t kHeaderBytes = 21;
constexpr size_t kUuidBytes = 16;
constexpr size_t kUuidAt = 5;
constexpr size_t kWordBytes = 4;
constexpr size_t kMaxHandleBytes = 128;  // MAX_HANDLE_SZ
constexpr int kInvalidType = 0xff;       // FILEID_INVALID
constexpr uint8_t kVersion = 0;
constexpr uint8_t kMagic = 0xfb;
constexpr uint8_t kBigEndian = 1;
constexpr uint8_t kAnyEndian = 2;
constexpr uint8_t kUpperPath = 4;
constexpr uint8_t kAllFlags = kBigEndian | kAnyEndian | kUpperPath;
constexpr uint8_t kOurEndian = std::endian::native == std::endian::big ? kBigEndian : 0;

}  // namespace

std::string EncodeOrigin(const Origin& origin) {
  const std::vector<uint8_t>& bytes = origin.handle.bytes;
  const bool fits = !bytes.empty() && bytes.size() <= kMaxHandleBytes &&
                    bytes.size() % kWordBytes == 0 && origin.handle.type > 0 &&
                    origin.handle.type < kInvalidType;
  if (!fits || (!origin.uuid.empty() && origin.uuid.size() != kUuidBytes)) return "";
  std::string raw(kHeaderBytes, '\0');
  raw[0] = static_cast<char>(kVersion);
  raw[1] = static_cast<char>(kMagic);
  raw[2] = static_cast<char>(kHeaderBytes + bytes.size());
  raw[3] = static_cast<char>(kOurEndian);
  raw[4] = static_cast<char>(origin.handle.type);
  std::copy(origin.uuid.begin(), origin.uuid.end(), raw.begin() + kUuidAt);
  raw.append(bytes.begin(), bytes.end());
  return raw;
}

std::optional<Origin> DecodeOrigin(std::string_view raw) {
  const auto at = [&](size_t index) { return static_cast<uint8_t>(raw[index]); };
  if (raw.size() <= kHeaderBytes) return std::nullopt;
  const size_t length = at(2);
  if (at(0) > kVersion || at(1) != kMagic || length <= kHeaderBytes || length > raw.size()) {
    return std::nullopt;
  }
  const uint8_t flags = at(3);
  if ((flags & ~kAllFlags) != 0) return std::nullopt;
  if ((flags & kAnyEndian) == 0 && (flags & kBigEndian) != kOurEndian) return std::nullopt;
  const size_t handle_bytes = length - kHeaderBytes;
  if (handle_bytes > kMaxHandleBytes || handle_bytes % kWordBytes != 0) return std::nullopt;
  if (at(4) == 0 || at(4) == kInvalidType) return std::nullopt;  // type 0 means "the root"
  Origin origin;
  origin.handle.type = at(4);
  origin.uuid.assign(raw.begin() + kUuidAt, raw.begin() + kHeaderBytes);
  origin.handle.bytes.assign(raw.begin() + kHeaderBytes,
                             raw.begin() + static_cast<std::ptrdiff_t>(length));
  return origin;
}

std::string IndexName(std::string_view encoded_origin) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  name.reserve(encoded_origin.size() * 2);
  for (const char c : encoded_origin) {
    const auto byte = static_cast<uint8_t>(c);
    name.push_back(kDigits[byte >> 4]);
    name.push_back(kDigits[byte & 0xf]);
  }
  return name;
}

}  // namespace blendfs::layer
