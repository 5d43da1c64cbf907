// SPDX-License-Identifier: MIT
// paper/report as blendbench calls it: the page and the plots of one exported document. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <string>

#include "harness/archive/pages.h"
#include "harness/base/exit_code.h"
#include "harness/guest/event_loop.h"

namespace blendbench {

// Writes report.json, report.html and plots/ into `folder`. kEnvironment names what is missing; kInterrupted once
// `interrupt` is raised.
Result<void> WritePages(const std::string& report_json, const std::filesystem::path& folder,
                        const Interrupt& interrupt);

Error Interrupted();

// The same in memory, with the versions of what made them; report.json is not among the files.
Result<Pages> PagesOf(const std::string& report_json, const Interrupt& interrupt);

}  // namespace blendbench
