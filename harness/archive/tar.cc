// SPDX-License-Identifier: MIT
#include "harness/archive/tar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "harness/base/text.h"

namespace blendbench {
namespace {

constexpr size_t kBlock = 512;
constexpr int kMostDeep = 8;

// POSIX.1-1988 ustar, byte for byte.
struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char major[8];
  char minor[8];
  char prefix[155];
  char padding[12];
};
static_assert(sizeof(Header) == kBlock);

unsigned Checksum(Header header) {
  std::memset(header.checksum, ' ', sizeof header.checksum);
  unsigned sum = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  for (size_t i = 0; i < kBlock; ++i) sum += bytes[i];
  return sum;
}

template <size_t N>
std::string TextOf(const char (&field)[N]) {
  return std::string(field, strnlen(field, N));
}

// Octal digits; npos when there is anything else.
template <size_t N>
size_t NumberOf(const char (&field)[N]) {
  size_t value = 0;
  bool any = false;
  for (size_t i = 0; i < N && field[i] != '\0' && field[i] != ' '; ++i) {
    if (field[i] < '0' || field[i] > '7') return std::string::npos;
    value = value * 8 + static_cast<size_t>(field[i] - '0');
    any = true;
  }
  return any ? value : std::string::npos;
}

template <size_t N>
void PutNumber(char (&field)[N], size_t value) {
  const std::string text = fmt::format("{:0{}o}", value, N - 1);
  std::memcpy(field, text.data(), std::min(text.size(), N - 1));
}

// The slash at which a path of more than 100 characters is cut in two; npos when none leaves parts that fit.
size_t CutOf(std::string_view path) {
  const size_t slash = path.find('/', path.size() - sizeof(Header::name) - 1);
  return slash > sizeof(Header::prefix) ? std::string_view::npos : slash;
}

// The path is safe.
Header MakeHeader(const std::string& path, size_t size) {
  Header header{};
  std::string name = path, prefix;
  if (name.size() > sizeof header.name) {
    const size_t slash = CutOf(path);
    prefix = path.substr(0, slash);
    name = path.substr(slash + 1);
  }
  std::memcpy(header.name, name.data(), name.size());
  std::memcpy(header.prefix, prefix.data(), prefix.size());
  PutNumber(header.mode, 0644);
  PutNumber(header.uid, 0);
  PutNumber(header.gid, 0);
  PutNumber(header.size, size);
  PutNumber(header.mtime, 0);
  header.type = '0';
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  const std::string sum = fmt::format("{:06o}", Checksum(header));
  std::memcpy(header.checksum, sum.data(), sum.size());
  header.checksum[6] = '\0';
  header.checksum[7] = ' ';
  return header;
}

bool AllZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::strchr("._+:@=-", c) != nullptr;
}

// "a/b" and "a/b/c" cannot both be files.
bool FileInsideFile(const FileMap& files) {
  for (const auto& [path, content] : files) {
    for (size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1))
      if (files.count(path.substr(0, slash)) != 0) return true;
  }
  return false;
}

}  // namespace

bool IsSafePath(std::string_view path) {
  if (path.empty() || path.size() > kMostPath) return false;
  if (path.size() > sizeof(Header::name) && CutOf(path) == std::string_view::npos) return false;
  int depth = 0;
  while (true) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    const bool plain =
        std::all_of(part.begin(), part.end(), [](char c) { return c != '\0' && IsPlain(c); });
    if (part.empty() || part == "." || part == ".." || !plain || ++depth > kMostDeep) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::string WriteTar(const FileMap& files) {
  std::string tar;
  for (const auto& [path, content] : files) {
    if (!IsSafePath(path)) throw std::invalid_argument(path + ": no name for an archive");
    const Header header = MakeHeader(path, content.size());
    tar.append(reinterpret_cast<const char*>(&header), kBlock);
    tar += content;
    tar.resize((tar.size() + kBlock - 1) / kBlock * kBlock, '\0');
  }
  tar.resize(tar.size() + 2 * kBlock, '\0');
  return tar;
}

tl::expected<FileMap, std::string> ReadTar(std::string_view bytes, size_t max_files) {
  FileMap files;
  while (bytes.size() >= kBlock && !AllZero(bytes.substr(0, kBlock))) {
    Header header{};
    std::memcpy(&header, bytes.data(), kBlock);
    bytes.remove_prefix(kBlock);
    if (NumberOf(header.checksum) != Checksum(header) || TextOf(header.magic) != "ustar")
      return tl::unexpected(std::string("it holds no tar archive, or a damaged one"));
    std::string path = TextOf(header.prefix);
    path += (path.empty() ? "" : "/") + TextOf(header.name);
    if (!IsSafePath(path))
      return tl::unexpected(fmt::format("a name in it ({}) is not one that `archive` writes",
                                        OneLine(path.substr(0, 80))));
    if (header.type != '0' && header.type != '\0')
      return tl::unexpected(path + " in it is no regular file");
    const size_t size = NumberOf(header.size);
    const size_t padded = size == std::string::npos ? size : (size + kBlock - 1) / kBlock * kBlock;
    if (size == std::string::npos || padded < size || padded > bytes.size())
      return tl::unexpected(path + " in it ends in the middle: truncated");
    if (files.size() >= max_files)
      return tl::unexpected(fmt::format("it holds more than {} files", max_files));
    if (!files.emplace(path, std::string(bytes.substr(0, size))).second)
      return tl::unexpected(path + " is in it twice");
    bytes.remove_prefix(padded);
  }
  if (bytes.size() < 2 * kBlock || !AllZero(bytes))
    return tl::unexpected(std::string("it ends in the middle: truncated"));
  if (FileInsideFile(files)) return tl::unexpected(std::string("a file in it is also a folder"));
  return files;
}

}  // namespace blendbench
