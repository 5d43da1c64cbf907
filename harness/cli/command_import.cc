// SPDX-License-Identifier: MIT
// import: other tools' results become a run. Everything is read and checked before a folder is made,
// and the files are kept in it byte for byte.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cli/places.h"
#include "harness/cli/tracking.h"
#include "harness/gate/compare.h"
#include "harness/import/import.h"
#include "harness/store/environment.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

// "ARM=FILE", unless a file has that very name.
ImportFile Split(const std::string& argument, const std::string& arm) {
  std::error_code ignored;
  const size_t equals = argument.find('=');
  if (equals == std::string::npos || fs::exists(argument, ignored))
    return {arm.empty() ? "imported" : arm, {argument, ""}};
  return {argument.substr(0, equals), {argument.substr(equals + 1), ""}};
}

Result<std::vector<ImportFile>> ReadAll(const ImportOptions& options) {
  std::vector<ImportFile> files;
  for (const std::string& argument : options.files) {
    ImportFile file = Split(argument, options.arm);
    std::error_code ignored;
    if (fs::file_size(file.text.name, ignored) > kMostImportBytes && !ignored)
      return Fail(ExitCode::kUsage,
                  fmt::format("{}: larger than {} MiB", file.text.name, kMostImportBytes >> 20));
    auto bytes = ReadFile(file.text.name);
    if (!bytes) return Fail(ExitCode::kUsage, bytes.error().message);
    file.text.bytes = std::move(*bytes);
    files.push_back(std::move(file));
  }
  return files;
}

constexpr size_t kMostKept = 90;  // with its number still a name that tar takes

// imported/000-NAME: a plain name whatever the user's path was.
std::string KeptName(size_t number, const std::string& path) {
  std::string name = fs::path(path).filename().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-') c = '_';
  return fmt::format("{:03}-{}", number, name.substr(0, kMostKept));
}

Result<void> Keep(const std::vector<ImportFile>& files, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return tl::unexpected(FileError("create", folder, error.value()));
  for (size_t i = 0; i < files.size(); ++i) {
    auto written = WriteFileAtomic(folder / KeptName(i, files[i].text.name), files[i].text.bytes);
    if (!written) return written;
  }
  return {};
}

Result<RunFolder> Store(const Imported& imported, const std::vector<ImportFile>& files,
                        const ImportOptions& options, const std::string& id) {
  const std::string now = UtcText(std::chrono::system_clock::now());
  Plan plan = imported.plan;
  plan.claims_sha256 = Sha256Hex("");
  auto run = RunFolder::Create(options.runs_dir, id, plan, "", "");
  if (!run) return run;
  if (auto kept = Keep(files, run->dir() / "imported"); !kept) return tl::unexpected(kept.error());
  Environment environment;
  environment.created = imported.started.empty() ? now : imported.started;
  environment.finished = now;
  environment.substrate = "external";
  environment.substrate_reason = fmt::format("imported from {}", imported.tool);
  if (imported.host.is_object()) environment.host = imported.host;
  if (auto written = run->WriteEnvironment(environment); !written)
    return tl::unexpected(written.error());
  for (Sample sample : imported.samples) {
    if (sample.started.empty()) sample.started = environment.created;
    if (auto appended = run->Append(sample); !appended) return tl::unexpected(appended.error());
  }
  return run;
}

}  // namespace

int ImportCommand(const ImportOptions& options, Io& io) {
  auto files = ReadAll(options);
  if (!files) return Complain(io, files.error());
  auto imported = ImportFiles(options.name, *files, options.reference);
  if (!imported) return Complain(io, imported.error());
  const std::string id =
      options.run.empty() ? NewRunId(options.runs_dir, options.name) : options.run;
  if (auto good = CheckRunId(id); !good) return Complain(io, good.error());
  auto run = Store(*imported, *files, options, id);
  if (!run) return Complain(io, run.error());
  const int failed = CountFailures(run->samples()).total;
  const size_t metrics = run->plan().experiment.external.size();
  const ExitCode code = failed > 0 ? ExitCode::kFailedSamples : ExitCode::kOk;
  if (!options.json) {
    Warn(io, imported->warnings);
    Print(io, fmt::format("{}: {} samples of {} metrics, {} failed\n", run->dir().string(),
                          run->samples().size(), metrics, failed));
    return Status(code);
  }
  nlohmann::json answer = Answer("import", imported->warnings);
  answer.update({{"run", run->id()},
                 {"folder", run->dir().string()},
                 {"samples", run->samples().size()},
                 {"failed", failed},
                 {"metrics", metrics}});
  return Give(io, answer, code);
}

}  // namespace blendbench
