// SPDX-License-Identifier: MIT
#include "unionfs/inspect/tar.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace blendfs::inspect {
namespace {

constexpr size_t kBlockBytes = 512;
constexpr size_t kNameBytes = 100;
constexpr uint64_t kMaxSize = 077777777777;  // 11 octal digits
constexpr uint64_t kMaxId = 07777777;        // 7

struct Header {
  char name[kNameBytes];
  char mode[8], uid[8], gid[8];
  char size[12], mtime[12];
  char checksum[8];
  char type;
  char target[kNameBytes];
  char magic[8];
  char user[32], group[32];
  char major[8], minor[8];
  char prefix[155];
  char unused[12];
};
static_assert(sizeof(Header) == kBlockBytes);

// In octal, filled up with zeros, with a NUL at the end.
void PutOctal(char* field, size_t digits, uint64_t value) {
  for (size_t i = digits; i > 0; --i, value >>= 3)
    field[i - 1] = static_cast<char>('0' + (value & 7));
}

template <size_t kSize>
void PutNumber(char (&field)[kSize], uint64_t value) {
  PutOctal(field, kSize - 1, value);
}

template <size_t kSize>
void PutText(char (&field)[kSize], const std::string& text) {
  memcpy(field, text.data(), std::min(text.size(), kSize));
}

bool IsAscii(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
std::string Record(const std::string& key, const std::string& value) {
  const size_t rest = 1 + key.size() + 1 + value.size() + 1;
  size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  return std::to_string(length) + " " + key + "=" + value + "\n";
}

std::string TimeText(const timespec& time) {
  // Below zero the fraction still counts upwards from the second before.
  auto seconds = static_cast<long long>(time.tv_sec);
  auto nanoseconds = static_cast<long>(time.tv_nsec);
  const bool negative = seconds < 0;
  if (negative && nanoseconds > 0) {
    ++seconds;
    nanoseconds = 1'000'000'000 - nanoseconds;
  }
  char text[64];
  snprintf(text, sizeof(text), "%s%lld.%09ld", negative ? "-" : "", negative ? -seconds : seconds,
           nanoseconds);
  return text;
}

bool FitsTime(const timespec& time) {
  return time.tv_nsec == 0 && time.tv_sec >= 0 && static_cast<uint64_t>(time.tv_sec) <= kMaxSize;
}

std::string ExtendedRecords(const TarEntry& entry) {
  std::string records;
  std::string texts;
  if (entry.path.size() > kNameBytes || !IsAscii(entry.path)) texts += Record("path", entry.path);
  if (entry.target.size() > kNameBytes || !IsAscii(entry.target)) {
    texts += Record("linkpath", entry.target);
  }
  // Names are bytes, and nobody promises that they are UTF-8, which readers would expect otherwise.
  if (!IsAscii(texts)) records += Record("hdrcharset", "BINARY");
  records += texts;
  if (entry.size > kMaxSize) records += Record("size", std::to_string(entry.size));
  if (entry.uid > kMaxId) records += Record("uid", std::to_string(entry.uid));
  if (entry.gid > kMaxId) records += Record("gid", std::to_string(entry.gid));
  if (!FitsTime(entry.mtime)) records += Record("mtime", TimeText(entry.mtime));
  for (const auto& [name, value] : entry.xattrs) records += Record("SCHILY.xattr." + name, value);
  return records;
}

std::string Block(const TarEntry& entry, char type, uint64_t size) {
  Header header{};
  PutText(header.name, entry.path);
  PutText(header.target, entry.target);
  PutNumber(header.mode, entry.mode & 07777);
  PutNumber(header.uid, entry.uid > kMaxId ? 0 : entry.uid);
  PutNumber(header.gid, entry.gid > kMaxId ? 0 : entry.gid);
  PutNumber(header.size, size > kMaxSize ? 0 : size);
  const bool fits =
      entry.mtime.tv_sec >= 0 && static_cast<uint64_t>(entry.mtime.tv_sec) <= kMaxSize;
  PutNumber(header.mtime, fits ? static_cast<uint64_t>(entry.mtime.tv_sec) : 0);
  PutNumber(header.major, entry.device_major);
  PutNumber(header.minor, entry.device_minor);
  header.type = type;
  memcpy(header.magic, "ustar\00000", sizeof(header.magic));
  memset(header.checksum, ' ', sizeof(header.checksum));
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof(header); ++i) sum += bytes[i];
  PutOctal(header.checksum, 6, sum);
  header.checksum[6] = 0;
  header.checksum[7] = ' ';
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header));
}

}  // namespace

Status TarWriter::Begin(const TarEntry& entry) {
  const std::string records = ExtendedRecords(entry);
  if (!records.empty()) {
    TarEntry extended;
    extended.path = "PaxHeaders/" + entry.path.substr(0, kNameBytes - 20);
    extended.mode = 0644;
    left_ = records.size();
    BLENDFS_TRY(Data(Block(extended, 'x', records.size())));
    left_ = records.size();
    BLENDFS_TRY(Data(records));
    BLENDFS_TRY(End());
  }
  left_ = kBlockBytes;
  BLENDFS_TRY(Data(Block(entry, static_cast<char>(entry.type), entry.size)));
  left_ = entry.size;
  return {};
}

Status TarWriter::Data(std::string_view bytes) {
  left_ -= std::min<uint64_t>(left_, bytes.size());
  written_ += bytes.size();
  return output_(bytes);
}

Status TarWriter::End() {
  // A file that was shorter than it said is filled up: what comes after it must stay in its place.
  const std::string zeros(64 * 1024, '\0');
  while (left_ > 0) {
    BLENDFS_TRY(Data(std::string_view(zeros).substr(0, std::min<uint64_t>(left_, zeros.size()))));
  }
  const size_t over = written_ % kBlockBytes;
  return over == 0 ? Status() : Data(std::string_view(zeros).substr(0, kBlockBytes - over));
}

Status TarWriter::Close() { return Data(std::string(2 * kBlockBytes, '\0')); }

}  // namespace blendfs::inspect
