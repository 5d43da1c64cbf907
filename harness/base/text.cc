// SPDX-License-Identifier: MIT
#include "harness/base/text.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>

namespace blendbench {
namespace {

constexpr unsigned char kEscape = 0x1b;
constexpr size_t kLongestPlainName = 64;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// Bytes of the well-formed UTF-8 sequence at the start of `bytes`, 0 when there is none (RFC 3629).
size_t SequenceLength(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xf0 && at(1) < 0x90);
  const bool surrogate = lead == 0xed && at(1) > 0x9f;
  const bool too_large = lead == 0xf4 && at(1) > 0x8f;
  return overlong || surrogate || too_large ? 0 : length;
}

// Bytes of the terminal escape sequence at the start of `bytes` (which begins with ESC).
size_t EscapeLength(std::string_view bytes) {
  if (bytes.size() < 2) return bytes.size();
  if (bytes[1] == ']') {  // operating system command: up to BEL or ESC backslash
    for (size_t i = 2; i < bytes.size(); ++i) {
      if (bytes[i] == '\a') return i + 1;
      if (static_cast<unsigned char>(bytes[i]) == kEscape) return std::min(i + 2, bytes.size());
    }
    return bytes.size();
  }
  if (bytes[1] != '[') return 2;
  for (size_t i = 2; i < bytes.size(); ++i) {
    if (bytes[i] >= 0x40 && bytes[i] <= 0x7e) return i + 1;
    if (static_cast<unsigned char>(bytes[i]) < 0x20) return i;  // cut off in the middle
  }
  return bytes.size();
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string CleanText(std::string_view bytes) {
  std::string clean;
  clean.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto lead = static_cast<unsigned char>(bytes.front());
    size_t used = 1;
    if (lead == kEscape) {
      used = EscapeLength(bytes);
    } else if (lead == '\t') {
      clean += ' ';
    } else if (lead == '\n' || (lead >= 0x20 && lead < 0x7f)) {
      clean += bytes.front();
    } else if (lead >= 0x80) {
      used = SequenceLength(bytes);
      const bool control = used == 2 && lead == 0xc2 && static_cast<unsigned char>(bytes[1]) < 0xa0;
      if (used == 0) clean += kReplacement;
      if (used > 0 && !control) clean += bytes.substr(0, used);
      used = std::max<size_t>(used, 1);
    }
    bytes.remove_prefix(used);
  }
  return clean;
}

std::string OneLine(std::string_view bytes) {
  std::string line = CleanText(bytes);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string CleanTail(std::string_view bytes, int lines, size_t max_bytes) {
  // A line of a boot log seldom grows more than this by its escape sequences.
  const size_t window = max_bytes * 8;
  if (bytes.size() > window) bytes.remove_prefix(bytes.size() - window);
  std::string clean = CleanText(bytes);
  while (!clean.empty() && (clean.back() == '\n' || clean.back() == ' ')) clean.pop_back();
  size_t start = clean.size();
  for (int line = 0; line < lines && start != std::string::npos && start > 0; ++line) {
    start = clean.rfind('\n', start - 1);
  }
  if (start != std::string::npos && start < clean.size())
    clean.erase(0, clean[start] == '\n' ? start + 1 : start);
  if (clean.size() > max_bytes) {
    size_t cut = clean.size() - max_bytes;
    while (cut < clean.size() && (static_cast<unsigned char>(clean[cut]) & 0xc0) == 0x80) ++cut;
    clean.erase(0, cut);
  }
  return clean;
}

std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 2) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

bool IsPlainName(std::string_view text, std::string_view extra) {
  const std::string allowed = std::string("abcdefghijklmnopqrstuvwxyz0123456789").append(extra);
  return !text.empty() && text.size() <= kLongestPlainName &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string PlainNameWords(std::string_view extra) {
  std::string words = "a-z, 0-9";
  for (size_t i = 0; i < extra.size(); ++i) {
    words += i + 1 == extra.size() ? " and " : ", ";
    words += extra[i];
  }
  return fmt::format("{}, at most {}", words, kLongestPlainName);
}

bool GlobMatch(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string UtcText(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, length);
}

std::string DurationText(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(seconds, 0.0)));
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace blendbench
