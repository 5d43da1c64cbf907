// SPDX-License-Identifier: MIT
// report, archive and verify: a run's report from its raw samples, packed, and recomputed.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/archive/pack_run.h"
#include "harness/archive/verify_run.h"
#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/scratch_folder.h"
#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/opened_run.h"
#include "harness/cli/paper_report.h"
#include "harness/export/report.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string ReportJson(const OpenedRun& run) {
  return DumpJson(MakeReport(run.record, run.analysis));
}

std::string VerificationText(const std::string& archive, const Verification& result) {
  std::string text;
  for (const Mismatch& one : result.mismatches)
    text += fmt::format("differs: {} {}: {}\n", one.kind, one.subject, one.text);
  text += fmt::format("{}: run {}, {} files, {} samples, {} numbers recomputed, page {}: {}\n",
                      archive, result.run, result.files, result.samples, result.numbers,
                      result.page_checked ? "made again" : "not made again",
                      result.mismatches.empty()
                          ? "everything agrees"
                          : fmt::format("{} things do not agree", result.mismatches.size()));
  return text;
}

// The folder that it is unpacked in is gone on return: whoever reads our output may go at any time.
Result<Verification> VerifyInScratch(const std::string& bytes, const std::string& name) {
  Interrupt interrupt;
  interrupt.CatchSignals();
  const ScratchFolder scratch;
  if (scratch.path().empty())
    return Fail(ExitCode::kEnvironment,
                "no temporary folder to unpack it in; free some space, or set TMPDIR to a folder "
                "with some");
  auto result = VerifyRun(bytes, name, scratch.path(), BLENDBENCH_VERSION,
                          [&](const std::string& report) { return PagesOf(report, interrupt); });
  if (interrupt.raised()) return tl::unexpected(Interrupted());
  return result;
}

}  // namespace

int ReportCommand(const ReportOptions& options, Io& io) {
  auto run = OpenRunToRead(options.choice);
  if (!run) return Complain(io, run.error());
  const std::vector<Warning> warnings = WarningsOf(*run);
  if (!options.choice.json) Warn(io, warnings);
  const fs::path folder =
      options.folder.empty() ? fs::path("reports") / run->record.id : fs::path(options.folder);
  Interrupt interrupt;
  interrupt.CatchSignals();
  if (auto written = WritePages(ReportJson(*run), folder, interrupt); !written)
    return Complain(io, written.error());
  const std::string page = (folder / "report.html").string();
  if (!options.choice.json) {
    Print(io, page + "\n");
    return Status(ExitCode::kOk);
  }
  json answer = Answer("report", warnings);
  answer.update({{"run", run->record.id},
                 {"page", page},
                 {"document", (folder / "report.json").string()},
                 {"plots", (folder / "plots").string()}});
  return Give(io, answer);
}

int ArchiveCommand(const ArchiveOptions& options, Io& io) {
  auto run = OpenRunToRead(options.choice);
  if (!run) return Complain(io, run.error());
  const std::vector<Warning> warnings = WarningsOf(*run);
  const std::string report = ReportJson(*run);
  Pages pages;
  if (!options.no_page) {
    Interrupt interrupt;
    interrupt.CatchSignals();
    auto made = PagesOf(report, interrupt);
    if (!made) {
      Error error = made.error();
      if (error.code != ExitCode::kInterrupted) error.message += "; or give --no-page";
      return Complain(io, error);
    }
    pages = std::move(*made);
  }
  auto packed = PackRun(run->folder, BLENDBENCH_VERSION, report, pages);
  if (!packed) return Complain(io, packed.error());
  const std::string output = options.output.empty() ? run->record.id + ".tar.gz" : options.output;
  if (auto written = WriteOutput(output, *packed); !written) return Complain(io, written.error());
  const std::string digest = Sha256Hex(*packed);
  if (!options.choice.json) {
    Warn(io, warnings);
    Print(io, fmt::format("{}: {} bytes, sha256 {}\n", output, packed->size(), digest));
    return Status(ExitCode::kOk);
  }
  json answer = Answer("archive", warnings);
  answer.update({{"run", run->record.id},
                 {"output", output},
                 {"bytes", packed->size()},
                 {"sha256", digest},
                 {"page", !options.no_page}});
  return Give(io, answer);
}

int VerifyCommand(const VerifyOptions& options, Io& io) {
  std::error_code ignored;
  if (fs::is_regular_file(options.archive, ignored) &&
      fs::file_size(options.archive, ignored) > kMostArchiveBytes)
    return Complain(
        io, {ExitCode::kEnvironment,
             options.archive + ": larger than any archive that `blendbench archive` makes"});
  auto bytes = ReadFile(options.archive);
  if (!bytes) return Complain(io, {ExitCode::kUsage, bytes.error().message});
  auto result = VerifyInScratch(*bytes, options.archive);
  if (!result) return Complain(io, result.error());
  const ExitCode code = result->mismatches.empty() ? ExitCode::kOk : ExitCode::kGateFailed;
  if (!options.json) {
    Warn(io, result->warnings);
    Print(io, VerificationText(options.archive, *result) + "sha256 " + Sha256Hex(*bytes) + "\n");
    return Status(code);
  }
  json mismatches = json::array();
  for (const Mismatch& one : result->mismatches)
    mismatches.push_back({{"kind", one.kind}, {"subject", one.subject}, {"text", one.text}});
  json answer = Answer("verify", result->warnings);
  answer.update({{"archive", options.archive},
                 {"sha256", Sha256Hex(*bytes)},
                 {"run", result->run},
                 {"agrees", result->mismatches.empty()},
                 {"files", result->files},
                 {"samples", result->samples},
                 {"numbers", result->numbers},
                 {"page_checked", result->page_checked},
                 {"mismatches", mismatches}});
  return Give(io, answer, code);
}

}  // namespace blendbench
