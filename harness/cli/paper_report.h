// SPDX-License-Identifier: MIT
// paper/report as blendbench calls it: the page and the plots of one exported document. Thread-safety: one thread.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "harness/archive/pages.h"
#include "harness/base/exit_code.h"
#include "harness/guest/event_loop.h"

namespace blendbench {

// A private folder that goes with its owner; path() is "" when none could be made.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
    if (error) return;
    std::string pattern = (folder / "blendbench-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Writes report.json, report.html and plots/ into `folder`. kEnvironment names what is missing; kInterrupted once
// `interrupt` is raised.
Result<void> WritePages(const std::string& report_json, const std::filesystem::path& folder,
                        const Interrupt& interrupt);

Error Interrupted();

// The same in memory, with the versions of what made them; report.json is not among the files.
Result<Pages> PagesOf(const std::string& report_json, const Interrupt& interrupt);

}  // namespace blendbench
