// SPDX-License-Identifier: MIT
// What does not agree in an archive. Thread-safety: a value.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace blendbench {

struct Mismatch {
  std::string kind;     // "digest", "plan", "sample", "provenance", "number", "page", "drawing"
  std::string subject;  // a file, or a member of the report
  std::string text;     // what the archive says and what comes out
};
using Mismatches = std::vector<Mismatch>;

// Of one kind of thing not many more are named.
inline constexpr size_t kMostNamed = 50;

}  // namespace blendbench
