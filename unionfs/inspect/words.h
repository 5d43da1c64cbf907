// SPDX-License-Identifier: MIT
// Text for people and for programs. Names come from layers, and a layer may be hostile: nothing of them
// reaches a terminal that could steer it.
// Thread-safety: pure functions and values.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blendfs::inspect {

// Printable as it is; control characters, backslashes and bytes that are no UTF-8 as \n, \\ or \xHH.
std::string Printable(std::string_view text);

// A JSON string with its quotes. Bytes that are no UTF-8 become lone surrogates U+DC80 to U+DCFF, as
// Python's surrogateescape has them, so that a reader can get the name back.
std::string JsonText(std::string_view text);

// One object, its members in the order they were added.
class JsonObject {
 public:
  JsonObject& Text(std::string_view key, std::string_view value) {
    return Raw(key, JsonText(value));
  }
  JsonObject& Number(std::string_view key, uint64_t value) {
    return Raw(key, std::to_string(value));
  }
  JsonObject& Flag(std::string_view key, bool value) { return Raw(key, value ? "true" : "false"); }
  JsonObject& Raw(std::string_view key, std::string_view json);
  std::string Close() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

std::string JsonArray(const std::vector<std::string>& items);

// "file", "directory", "symlink", "character device", ...
const char* TypeWord(mode_t mode);

}  // namespace blendfs::inspect
