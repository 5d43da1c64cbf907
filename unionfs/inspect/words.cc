// SPDX-License-Identifier: MIT
#include "unionfs/inspect/words.h"

#include <sys/stat.h>

#include <cstdio>

namespace blendfs::inspect {
namespace {

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

// Length of the UTF-8 sequence at the start of `text`; 0 if there is none (overlong forms, surrogates and
// what lies beyond U+10FFFF are none).
size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  const auto second = static_cast<uint8_t>(text[1]);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return length;
}

// U+0080 to U+009F steer terminals as well, and U+202A to U+202E and U+2066 to U+2069 turn the direction of text.
bool IsHarmful(std::string_view sequence) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(sequence[i]); };
  if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f || byte(0) == '\\';
  if (sequence.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  if (sequence.size() != 3 || byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && byte(2) >= 0xaa && byte(2) <= 0xae) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

std::string Format(const char* format, unsigned value) {
  char text[16];
  snprintf(text, sizeof(text), format, value);
  return text;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const std::string_view piece = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(piece.size());
    if (length != 0 && !IsHarmful(piece)) {
      shown += piece;
    } else if (piece == "\\") {
      shown += "\\\\";
    } else if (piece == "\n") {
      shown += "\\n";
    } else {
      for (const char c : piece) shown += Format("\\x%02x", static_cast<uint8_t>(c));
    }
  }
  return shown;
}

std::string JsonText(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const auto byte = static_cast<uint8_t>(text[0]);
    if (length == 0) {
      json += Format("\\u%04x", 0xdc00U + byte);
    } else if (byte < 0x20 || byte == 0x7f) {
      json += Format("\\u%04x", byte);
    } else {
      if (byte == '"' || byte == '\\') json += '\\';
      json += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return json + "\"";
}

JsonObject& JsonObject::Raw(std::string_view key, std::string_view json) {
  if (!members_.empty()) members_ += ", ";
  members_ += JsonText(key);
  members_ += ": ";
  members_ += json;
  return *this;
}

std::string JsonArray(const std::vector<std::string>& items) {
  std::string json = "[";
  for (const std::string& item : items) {
    if (json.size() > 1) json += ", ";
    json += item;
  }
  return json + "]";
}

const char* TypeWord(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symlink";
    case S_IFCHR:
      return "character device";
    case S_IFBLK:
      return "block device";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "unknown object";
  }
}

}  // namespace blendfs::inspect
