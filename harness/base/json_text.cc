// SPDX-License-Identifier: MIT
#include "harness/base/json_text.h"

#include <string>

#include "harness/base/text.h"

namespace blendbench {

bool NestsDeeper(std::string_view text, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

tl::expected<nlohmann::json, std::string> ParseJson(std::string_view text) {
  if (NestsDeeper(text, kJsonDepth))
    return tl::unexpected(std::string("not JSON (nested too deeply)"));
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    return tl::unexpected("not JSON (damaged at byte " + std::to_string(error.byte) + ")");
  } catch (const nlohmann::json::exception&) {  // a number beyond every limit
    return tl::unexpected(std::string("not JSON (a number is too large)"));
  }
}

std::string DumpJson(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace blendbench
