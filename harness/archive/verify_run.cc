// SPDX-License-Identifier: MIT
#include "harness/archive/verify_run.h"

#include <fmt/format.h>

#include <exception>

#include "harness/archive/check_import.h"
#include "harness/archive/check_plan.h"
#include "harness/archive/compare_json.h"
#include "harness/archive/gzip.h"
#include "harness/archive/pack_run.h"
#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/export/report.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Error Unusable(const std::string& name, const std::string& why) {
  return {ExitCode::kEnvironment,
          fmt::format("{}: {}; get the archive once more from where it came from", name, why)};
}

// The archive's files without its top folder, and its list of digests.
struct Unpacked {
  FileMap files;
  json manifest;
  std::string run;
};

Result<Unpacked> Unpack(std::string_view archive, const std::string& name) {
  auto tar = Gunzip(archive, kMostArchiveBytes);
  if (!tar) return tl::unexpected(Unusable(name, tar.error()));
  auto files = ReadTar(*tar, kMostArchiveFiles);
  if (!files) return tl::unexpected(Unusable(name, files.error()));
  Unpacked unpacked;
  const std::string top =
      files->empty() ? "" : files->begin()->first.substr(0, files->begin()->first.find('/'));
  for (auto& [path, content] : *files) {
    if (path.rfind(top + "/", 0) != 0)
      return tl::unexpected(Unusable(name, "it holds more than one folder"));
    unpacked.files[path.substr(top.size() + 1)] = std::move(content);
  }
  const auto manifest = unpacked.files.find("ARCHIVE.json");
  if (manifest == unpacked.files.end())
    return tl::unexpected(
        Unusable(name, "it has no ARCHIVE.json, so `blendbench archive` did not make it"));
  auto parsed = ParseJson(manifest->second);
  const bool good = parsed && parsed->is_object() && parsed->value("files", json()).is_object() &&
                    parsed->value("run", json()).is_string() &&
                    parsed->value("schema", json()) == 1;
  if (!good)
    return tl::unexpected(Unusable(name, "its ARCHIVE.json is damaged, or of another version"));
  unpacked.manifest = std::move(*parsed);
  unpacked.run = unpacked.manifest["run"];
  if (unpacked.run != top)
    return tl::unexpected(Unusable(name, "its folder is not named as its run"));
  unpacked.files.erase(manifest);
  return unpacked;
}

void CheckDigests(const Unpacked& unpacked, Verification& result) {
  const json& listed = unpacked.manifest["files"];
  for (const auto& [path, entry] : listed.items())
    if (unpacked.files.count(path) == 0)
      result.mismatches.push_back({"digest", OneLine(path), "is listed and missing"});
  for (const auto& [path, content] : unpacked.files) {
    const auto entry = listed.find(path);
    const std::string digest = Sha256Hex(content);
    if (entry == listed.end() || !entry->is_object()) {
      result.mismatches.push_back({"digest", path, "is not listed in ARCHIVE.json"});
    } else if (entry->value("sha256", json()) != digest) {
      result.mismatches.push_back(
          {"digest", path,
           fmt::format("ARCHIVE.json says {}, its bytes give {}",
                       OneLine(entry->value("sha256", json())
                                   .dump(-1, ' ', true, json::error_handler_t::replace)
                                   .substr(0, 70)),
                       digest)});
    }
  }
}

Result<fs::path> WriteRuns(const Unpacked& unpacked, const fs::path& scratch) {
  for (const auto& [path, content] : unpacked.files) {
    if (path.rfind("runs/", 0) != 0) continue;
    const fs::path target = scratch / path;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (error) return tl::unexpected(FileError("create", target.parent_path(), error.value()));
    if (auto written = WriteFileAtomic(target, content); !written)
      return tl::unexpected(written.error());
  }
  return scratch / "runs" / unpacked.run;
}

void CheckSamples(const RunFolder& run, const fs::path& scratch, Verification& result) {
  result.samples = run.samples().size();
  for (const Warning& warning : run.warnings()) {
    std::string subject = warning.subject;
    const std::string prefix = scratch.string() + "/";
    if (subject.rfind(prefix, 0) == 0) subject.erase(0, prefix.size());
    if (warning.kind == WarningKind::kRepairedLine) {
      result.warnings.push_back({warning.kind, subject, warning.text, warning.remedy});
      continue;
    }
    result.mismatches.push_back({"sample", subject, warning.text});
  }
}

// The report as the raw samples give it; "" when they give none.
std::string CheckReport(const RunFolder& run, const Unpacked& unpacked, Verification& result) {
  auto wrong = [&](const std::string& what) {
    result.mismatches.push_back({"number", "report/report.json", what});
    return std::string();
  };
  const RunRecord record = RecordOf(run);
  auto analysis = Analyse(record);
  if (!analysis) return wrong(analysis.error().message);
  std::string text = DumpJson(MakeReport(record, *analysis));
  const auto archived_text = unpacked.files.find("report/report.json");
  if (archived_text == unpacked.files.end()) return wrong("is missing");
  auto archived = ParseJson(archived_text->second);
  if (!archived) return wrong(archived.error());
  const auto derived = ParseJson(text);  // numbers rounded as the archived ones are
  if (!derived) return wrong("the samples give a report that is no JSON");
  const JsonComparison compared = CompareJson(*archived, *derived, kMostNamed);
  result.numbers = compared.numbers;
  for (const JsonDifference& one : compared.differences)
    result.mismatches.push_back(
        {"number", one.place,
         fmt::format("the archive says {}, the samples give {}", one.archived, one.derived)});
  if (compared.differing > compared.differences.size())
    wrong(fmt::format("{} more differ", compared.differing - compared.differences.size()));
  return text;
}

Result<void> CheckPages(const Unpacked& unpacked, const std::string& report,
                        const MakePages& make_pages, Verification& result) {
  FileMap archived;
  for (const auto& [path, content] : unpacked.files)
    if (path.rfind("report/", 0) == 0 && path != "report/report.json")
      archived[path.substr(7)] = content;
  if (archived.empty()) {
    result.warnings.push_back({WarningKind::kNotVerified, "report.html",
                               "the archive was made without a page",
                               "`blendbench report` on its run makes one"});
    return {};
  }
  auto made = make_pages(report);
  if (!made && made.error().code == ExitCode::kInterrupted) return tl::unexpected(made.error());
  if (!made) {
    result.warnings.push_back({WarningKind::kNotVerified, "report.html", made.error().message,
                               "the page and its figures were compared by digest only"});
    return {};
  }
  result.page_checked = true;
  const json made_with = unpacked.manifest.value("made_with", json());
  bool other_version = false;
  for (const PageDifference& one : ComparePages(archived, made->files)) {
    if (one.drawing && made_with != made->made_with) {
      other_version = true;
      continue;
    }
    result.mismatches.push_back(
        {one.drawing ? "drawing" : "page", "report/" + OneLine(one.file), one.text});
  }
  if (other_version)
    result.warnings.push_back({WarningKind::kNotVerified, "drawings",
                               "made with another version of the drawing program: " +
                                   OneLine(DumpJson(made_with, -1).substr(0, 200)),
                               "their data (CSV) and the page's words were compared"});
  return {};
}

}  // namespace

Result<Verification> VerifyRun(std::string_view archive, const std::string& name,
                               const fs::path& scratch, const std::string& version,
                               const MakePages& make_pages) {
  auto unpacked = Unpack(archive, name);
  if (!unpacked) return tl::unexpected(unpacked.error());
  Verification result;
  result.run = unpacked->run;
  result.files = unpacked->files.size();
  CheckDigests(*unpacked, result);
  const json made_by = unpacked->manifest.value("blendbench", json());
  if (made_by != version)
    result.warnings.push_back(
        {WarningKind::kNotVerified, "blendbench",
         "the archive was made by another version: " + OneLine(DumpJson(made_by, -1).substr(0, 60)),
         "its statistics may differ; that version verifies it best"});
  auto folder = WriteRuns(*unpacked, scratch);
  if (!folder) return tl::unexpected(folder.error());
  auto run = RunFolder::OpenForReading(*folder);
  if (!run) {
    result.mismatches.push_back({"plan", "runs/" + result.run, run.error().message});
    return result;
  }
  CheckSamples(*run, scratch, result);
  if (!CheckPlan(*run, unpacked->files, result.mismatches)) return result;
  CheckSteps(*run, result.mismatches);
  try {  // members of a type that no sample of ours has
    if (IsExternal(run->plan().experiment)) CheckImport(*run, unpacked->files, result.mismatches);
    const std::string report = CheckReport(*run, *unpacked, result);
    if (!report.empty())
      if (auto checked = CheckPages(*unpacked, report, make_pages, result); !checked)
        return tl::unexpected(checked.error());
  } catch (const std::exception& error) {
    result.mismatches.push_back({"number", "report/report.json",
                                 std::string("cannot be derived: ") + OneLine(error.what())});
  }
  return result;
}

}  // namespace blendbench
