// SPDX-License-Identifier: MIT
// The plain exports: csv for spreadsheets and R, jsonl for scripts, markdown for people. Pure;
// thread-safe.
#pragma once

#include <string>

#include "harness/export/record.h"

namespace blendbench {

// A field of a CSV file (RFC 4180): quoted where it must be.
std::string CsvField(const std::string& text);

// A cell of a markdown table: no bars, no line breaks, no markup of its own.
std::string MarkdownCell(const std::string& text);

// Long form, one row a metric: run,block,order,arm,status,metric,unit,value (RFC 4180). A failed
// sample without metrics is one row with the last three fields empty, so that no sample is lost.
std::string MakeCsv(const RunRecord& record);

// Every sample as it is stored, one JSON object a line.
std::string MakeJsonl(const RunRecord& record);

// Verdicts, then failures, then comparisons.
std::string MakeMarkdown(const RunRecord& record, const Analysis& analysis);

// One line a claim: verdict, title, first reason. For terminals.
std::string VerdictLines(const Analysis& analysis);

}  // namespace blendbench
