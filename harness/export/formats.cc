// SPDX-License-Identifier: MIT
#include "harness/export/formats.h"

#include <nlohmann/json.hpp>

#include "harness/export/exchange.h"
#include "harness/export/otava.h"
#include "harness/export/report.h"
#include "harness/export/run_json.h"
#include "harness/export/tables.h"

namespace blendbench {
namespace {

using nlohmann::json;

// What a guest or another tool wrote may be any bytes.
std::string Dump(const json& document) {
  return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

const std::vector<std::string>& ExportFormats() {
  static const std::vector<std::string> kFormats = {"report",   "json",
                                                    "jsonl",    "csv",
                                                    "markdown", "googlebenchmark",
                                                    "bencher",  "github-action-benchmark",
                                                    "otava"};
  return kFormats;
}

std::string ExportAs(const RunRecord& record, const Analysis& analysis, const std::string& format) {
  if (format == "csv") return MakeCsv(record);
  if (format == "jsonl") return MakeJsonl(record);
  if (format == "markdown") return MakeMarkdown(record, analysis);
  if (format == "json") return Dump(MakeRunJson(record));
  if (format == "googlebenchmark") return Dump(MakeGoogleBenchmark(record));
  if (format == "bencher") return Dump(MakeBencher(record));
  if (format == "github-action-benchmark") return Dump(MakeGithubActionBenchmark(record));
  if (format == "otava") return MakeOtava({record});
  return Dump(MakeReport(record, analysis));
}

}  // namespace blendbench
