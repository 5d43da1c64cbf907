// SPDX-License-Identifier: MIT
#include "harness/export/formats.h"

#include "harness/base/json_text.h"
#include "harness/export/exchange.h"
#include "harness/export/otava.h"
#include "harness/export/report.h"
#include "harness/export/run_json.h"
#include "harness/export/tables.h"

namespace blendbench {
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
  if (format == "json") return DumpJson(MakeRunJson(record));
  if (format == "googlebenchmark") return DumpJson(MakeGoogleBenchmark(record));
  if (format == "bencher") return DumpJson(MakeBencher(record));
  if (format == "github-action-benchmark") return DumpJson(MakeGithubActionBenchmark(record));
  if (format == "otava") return MakeOtava({record});
  return DumpJson(MakeReport(record, analysis));
}

}  // namespace blendbench
