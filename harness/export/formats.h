// SPDX-License-Identifier: MIT
// Every form a run can be written in, by its name on the command line. Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "harness/export/record.h"

namespace blendbench {

// "report", "json", ...
const std::vector<std::string>& ExportFormats();

// `format` is one of ExportFormats().
std::string ExportAs(const RunRecord& record, const Analysis& analysis, const std::string& format);

}  // namespace blendbench
