// SPDX-License-Identifier: MIT
// Data that came out of a guest, taken apart without trusting it: JSON of any shape, base64, lines.
// What is shown or kept as text goes through CleanText (harness/base/text.h) as well.
// Thread-safety: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace blendbench {

// The last line that is not blank, trimmed; "" if there is none.
std::string LastLine(std::string_view text);

// At most `max_bytes`, never cut within a character of UTF-8.
std::string Truncate(std::string_view text, size_t max_bytes);

// Parses what a guest sent. Nothing when it is no JSON, is not UTF-8 or nests deeper than
// `max_depth` (our own handling of it recurses).
std::optional<nlohmann::json> ParseHostileJson(std::string_view text, int max_depth = 32);

// Members of an object of unknown shape; nothing when absent or of another type.
std::optional<std::string> StringMember(const nlohmann::json& object, const char* key);
std::optional<double> NumberMember(const nlohmann::json& object, const char* key);
std::optional<int64_t> IntMember(const nlohmann::json& object, const char* key);
std::optional<bool> BoolMember(const nlohmann::json& object, const char* key);
// A reference to a null value when absent.
const nlohmann::json& Member(const nlohmann::json& object, const char* key);

// Standard base64 with padding. Decoding fails on any other character.
std::string Base64Encode(std::string_view bytes);
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace blendbench
