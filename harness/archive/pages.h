// SPDX-License-Identifier: MIT
// The report's page and plots: how an archived one is compared with one made again. Pure.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/archive/tar.h"
#include "harness/base/exit_code.h"

namespace blendbench {

// What paper/report makes of the exported document: report.html and plots/*, and the versions of what made them.
struct Pages {
  FileMap files;
  nlohmann::json made_with =
      nlohmann::json::object();  // "python", "matplotlib", "jinja2" -> version
};
using MakePages = std::function<Result<Pages>(const std::string& report_json)>;

struct PageDifference {
  std::string file;
  std::string text;      // what differs
  bool drawing = false;  // nothing but the drawing
};

// Every file that is in one and not in the other, or differs. Of a page that differs, the first line that does, drawings
// apart; drawings (SVG inside the page, PDF, PNG) are compared byte by byte and told apart, because another
// version of the drawing program changes them.
std::vector<PageDifference> ComparePages(const FileMap& archived, const FileMap& derived);

}  // namespace blendbench
