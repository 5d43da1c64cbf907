// SPDX-License-Identifier: MIT
#include "harness/cli/paper_report.h"

#include <vector>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/scratch_folder.h"
#include "harness/cli/places.h"
#include "harness/guest/process.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kPagesS = 600;
constexpr double kVersionsS = 60;

Result<fs::path> FindReporter() {
  const fs::path home = FindHome();
  std::error_code ignored;
  const fs::path reporter = home / "paper" / "report";
  if (!home.empty() && fs::is_regular_file(reporter, ignored)) return reporter;
  return Fail(
      ExitCode::kEnvironment,
      "paper/report not found; set BLENDBENCH_HOME to the checkout, or `blendbench export` for the "
      "document alone");
}

// Its last line is the reason when it fails.
Result<std::string> RunReporter(const std::vector<std::string>& arguments, double limit_s,
                                const Interrupt& interrupt) {
  auto reporter = FindReporter();
  if (!reporter) return tl::unexpected(reporter.error());
  std::vector<std::string> argv{reporter->string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto output = RunChecked(argv, Deadline::After(limit_s), &interrupt);
  if (interrupt.raised()) return tl::unexpected(Interrupted());
  if (output) return std::move(*output);
  return Fail(ExitCode::kEnvironment, output.error());
}

}  // namespace

Error Interrupted() {
  return {ExitCode::kInterrupted, "interrupted; nothing is lost, run it again"};
}

Result<void> WritePages(const std::string& report_json, const fs::path& folder,
                        const Interrupt& interrupt) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return tl::unexpected(FileError("create", folder, error.value()));
  const fs::path document = folder / "report.json";
  if (auto written = WriteFileAtomic(document, report_json); !written) return written;
  auto made = RunReporter({document.string(), "--out", folder.string()}, kPagesS, interrupt);
  if (!made) return tl::unexpected(made.error());
  return {};
}

Result<Pages> PagesOf(const std::string& report_json, const Interrupt& interrupt) {
  auto versions = RunReporter({"--versions"}, kVersionsS, interrupt);
  if (!versions) return tl::unexpected(versions.error());
  const ScratchFolder scratch;
  if (scratch.path().empty())
    return Fail(ExitCode::kEnvironment, "no temporary folder; free some space, or set TMPDIR");
  if (auto written = WritePages(report_json, scratch.path(), interrupt); !written)
    return tl::unexpected(written.error());
  Pages pages;
  if (auto parsed = ParseJson(*versions)) pages.made_with = std::move(*parsed);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(scratch.path(), error)) {
    const std::string name = fs::relative(entry.path(), scratch.path(), error).string();
    if (!entry.is_regular_file(error) || name == "report.json") continue;
    auto content = ReadFile(entry.path());
    if (!content) return tl::unexpected(content.error());
    pages.files[name] = std::move(*content);
  }
  if (interrupt.raised()) return tl::unexpected(Interrupted());
  return pages;
}

}  // namespace blendbench
