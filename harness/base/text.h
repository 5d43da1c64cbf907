// SPDX-License-Identifier: MIT
// Small text helpers shared by messages, logs and digests. Pure functions.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace blendbench {

std::string Sha256Hex(std::string_view bytes);  // lowercase hex

// Console bytes made fit for JSON and a terminal: valid UTF-8, no escape sequences, no control
// characters but newline.
std::string CleanText(std::string_view bytes);

// CleanText on one line: newlines become spaces.
std::string OneLine(std::string_view bytes);

// The last `lines` lines of CleanText(bytes), at most `max_bytes` bytes.
std::string CleanTail(std::string_view bytes, int lines = 30, size_t max_bytes = 4096);

// The candidate closest to `word` by edit distance, "" when none is close enough to be meant.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

std::string Join(const std::vector<std::string>& parts, std::string_view separator);

// Whether it is a short name of a-z, 0-9 and the characters of `extra`; and that in words: "a-z, 0-9, - and _, at most 64".
bool IsPlainName(std::string_view text, std::string_view extra);
std::string PlainNameWords(std::string_view extra);

// "*" in `pattern` stands for any run of characters; everything else for itself.
bool GlobMatch(std::string_view pattern, std::string_view text);

// 2026-11-23T10:00:00Z
std::string UtcText(std::chrono::system_clock::time_point time);

// 75 -> "1:15", 3700 -> "1:01:40"
std::string DurationText(double seconds);

}  // namespace blendbench
