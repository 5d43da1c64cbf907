// SPDX-License-Identifier: MIT
#include "harness/export/otava.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "harness/export/summary.h"
#include "harness/export/tables.h"

namespace blendbench {
namespace {

struct Column {
  std::string name;  // ARM.METRIC
  bool lower_is_better = true;
};

struct Sheet {
  std::vector<Column> columns;
  std::vector<const RunRecord*> runs;
  std::vector<std::map<std::string, double>> rows;
};

Sheet Lay(const std::vector<RunRecord>& records) {
  Sheet sheet;
  for (const RunRecord& record : records) sheet.runs.push_back(&record);
  std::stable_sort(sheet.runs.begin(), sheet.runs.end(), [](const auto* a, const auto* b) {
    return std::tie(a->environment.created, a->id) < std::tie(b->environment.created, b->id);
  });
  for (const RunRecord* record : sheet.runs) {
    sheet.rows.emplace_back();
    for (const Summary& summary : Summarise(*record)) {
      const std::string name = summary.arm + "." + summary.metric.id;
      sheet.rows.back()[name] = summary.mean;
      const bool known = std::any_of(sheet.columns.begin(), sheet.columns.end(),
                                     [&](const Column& column) { return column.name == name; });
      if (!known) sheet.columns.push_back({name, summary.metric.lower_is_better});
    }
  }
  return sheet;
}

// A double-quoted YAML text.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string MakeOtava(const std::vector<RunRecord>& records) {
  const Sheet sheet = Lay(records);
  std::string text = "time,commit,run";
  for (const Column& column : sheet.columns) text += "," + CsvField(column.name);
  text += "\r\n";
  for (size_t i = 0; i < sheet.runs.size(); ++i) {
    const Environment& environment = sheet.runs[i]->environment;
    text += fmt::format("{},{},{}", environment.created, CsvField(environment.git_commit),
                        CsvField(sheet.runs[i]->id));
    for (const Column& column : sheet.columns) {
      const auto found = sheet.rows[i].find(column.name);
      text += found == sheet.rows[i].end() ? "," : fmt::format(",{}", found->second);
    }
    text += "\r\n";
  }
  return text;
}

std::string MakeOtavaConfig(const std::vector<RunRecord>& records, const std::string& file) {
  std::string text = fmt::format(
      "tests:\n  blendbench:\n    type: csv\n    file: {}\n    time_column: time\n"
      "    attributes: [commit, run]\n    metrics:\n",
      Quoted(file));
  for (const Column& column : Lay(records).columns) {
    text += fmt::format("      {}:\n        column: {}\n        direction: {}\n",
                        Quoted(column.name), Quoted(column.name), column.lower_is_better ? -1 : 1);
  }
  return text;
}

}  // namespace blendbench
