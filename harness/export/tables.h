// SPDX-License-Identifier: MIT
// The plain exports: csv for spreadsheets and R, jsonl for scripts, markdown for people. Pure;
// thread-safe.
#pragma once

#include <string>

#include "harness/export/record.h"

namespace blendbench {

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
