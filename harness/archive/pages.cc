// SPDX-License-Identifier: MIT
#include "harness/archive/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "harness/base/text.h"

namespace blendbench {
namespace {

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool IsDrawing(const std::string& file) { return EndsWith(file, ".pdf") || EndsWith(file, ".png"); }

// The page without its figures' drawings. The small strips in the tables stay: their positions are numbers.
std::string WithoutDrawings(const std::string& page) {
  static const std::string kBegin = "<svg viewBox=\"", kEnd = "</svg>";
  std::string rest;
  size_t at = 0;
  while (true) {
    const size_t begin = page.find(kBegin, at);
    const size_t end = begin == std::string::npos ? begin : page.find(kEnd, begin);
    if (end == std::string::npos) return rest + page.substr(at);
    rest += page.substr(at, begin - at);
    at = end + kEnd.size();
  }
}

std::string FirstDifference(const std::string& archived, const std::string& derived) {
  std::istringstream a(archived), b(derived);
  std::string x, y;
  for (int line = 1;; ++line) {
    const bool more_a = static_cast<bool>(std::getline(a, x));
    const bool more_b = static_cast<bool>(std::getline(b, y));
    if (more_a && more_b && x == y) continue;
    if (!more_a && !more_b) return "";
    const auto shown = [](bool there, const std::string& text) {
      return there ? "\"" + OneLine(text.substr(0, 160)) + "\"" : std::string("its end");
    };
    return fmt::format("line {}: the archive has {}, the samples give {}", line, shown(more_a, x),
                       shown(more_b, y));
  }
}

}  // namespace

std::vector<PageDifference> ComparePages(const FileMap& archived, const FileMap& derived) {
  std::vector<PageDifference> differences;
  for (const auto& [file, content] : derived)
    if (archived.count(file) == 0)
      differences.push_back({file, "missing from the archive", IsDrawing(file)});
  for (const auto& [file, content] : archived) {
    const auto made = derived.find(file);
    if (made == derived.end()) {
      differences.push_back({file, "not made from these samples", false});
    } else if (made->second != content) {
      const bool drawing = IsDrawing(file);
      const std::string text =
          drawing ? "" : FirstDifference(WithoutDrawings(content), WithoutDrawings(made->second));
      differences.push_back({file, text.empty() ? "the drawing is not the one made again" : text,
                             drawing || text.empty()});
    }
  }
  return differences;
}

}  // namespace blendbench
