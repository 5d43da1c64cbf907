// SPDX-License-Identifier: MIT
#include "harness/store/baselines.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kSchema = 1;
constexpr const char* kCopied[] = {"plan.json", "spec.toml", "claims.toml", "environment.json"};

constexpr const char* kExtra = "._-";  // that a name may hold beside letters and digits

bool IsName(const std::string& name) { return IsPlainName(name, kExtra) && name.front() != '.'; }

Error NoSuch(const fs::path& dir, const std::string& name) {
  const std::string nearest = Nearest(name, ListBaselines(dir));
  return {ExitCode::kUsage,
          fmt::format("{}: no such baseline in {}; {}", name, dir.string(),
                      nearest.empty() ? "`blendbench baseline list` names them, `blendbench "
                                        "baseline adopt` makes one"
                                      : fmt::format("did you mean {}?", nearest))};
}

Error Damaged(const fs::path& path, const std::string& problem) {
  return {ExitCode::kEnvironment,
          fmt::format("{}: {}; restore it from version control, or adopt the run again",
                      path.string(), problem)};
}

// Writes a file of the baseline and notes its digest.
Result<void> Put(const fs::path& dir, const std::string& file, const std::string& text,
                 json& digests) {
  digests[file] = Sha256Hex(text);
  return WriteFileAtomic(dir / file, text);
}

Result<json> WriteRun(const RunFolder& run, const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) return tl::unexpected(FileError("create", dir, error.value()));
  json digests = json::object();
  for (const char* file : kCopied) {
    auto text = ReadFile(run.dir() / file);
    if (!text) return tl::unexpected(text.error());
    if (auto put = Put(dir, file, *text, digests); !put) return tl::unexpected(put.error());
  }
  std::string samples;
  for (const Sample& sample : run.samples()) samples += DumpJson(ToJson(Slim(sample)), -1);
  if (auto put = Put(dir, "samples.jsonl", samples, digests); !put)
    return tl::unexpected(put.error());
  return json{{"id", run.id()}, {"files", std::move(digests)}};
}

// "" when the files are those that were adopted.
std::string CheckDigests(const fs::path& dir, const json& files) {
  for (const auto& [file, digest] : files.items()) {
    if (file.find('/') != std::string::npos) return "names a file outside of itself";
    const auto found = Sha256OfFile(dir / file);
    if (!found) return found.error().message;
    if (digest != *found) return file + " is not the one that was adopted (its digest differs)";
  }
  return "";
}

Result<json> ReadIndex(const fs::path& path) {
  auto text = ReadFile(path);
  if (!text) return tl::unexpected(text.error());
  auto index = ParseJson(*text);
  if (!index) return tl::unexpected(Damaged(path, index.error()));
  if (!index->is_object() || index->value("schema", json()) != kSchema)
    return tl::unexpected(
        Damaged(path, fmt::format("its schema is not the {} this version reads", kSchema)));
  return std::move(*index);
}

// The new folder takes the old one's place; the old one goes once the new one stands.
Result<void> Exchange(const fs::path& fresh, const fs::path& place) {
  // Begins with a dot, as no baseline's name does.
  const fs::path old =
      place.parent_path() / fmt::format(".{}.old-{}", place.filename().string(), getpid());
  std::error_code error, ignored;
  fs::remove_all(old, ignored);
  const bool there = fs::exists(place, ignored);
  if (there) fs::rename(place, old, error);
  if (error) return tl::unexpected(FileError("move aside", place, error.value()));
  fs::rename(fresh, place, error);
  if (error) {
    if (there) fs::rename(old, place, ignored);
    return tl::unexpected(FileError("put in place", place, error.value()));
  }
  fs::remove_all(old, ignored);
  return {};
}

Result<void> CheckRuns(const std::vector<RunFolder>& runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    if (const size_t left = runs[i].PendingSteps().size(); left > 0)
      return Fail(ExitCode::kUsage, fmt::format("{}: {} steps are still to go; a baseline is made "
                                                "of finished runs",
                                                runs[i].id(), left));
    for (size_t j = 0; j < i; ++j)
      if (runs[i].id() == runs[j].id())
        return Fail(ExitCode::kUsage, runs[i].id() + ": the run is named twice");
  }
  return {};
}

Result<void> Write(const fs::path& fresh, const fs::path& place, const std::string& name,
                   const std::vector<const RunFolder*>& runs, const std::string& note) {
  json list = json::array();
  for (const RunFolder* run : runs) {
    auto written = WriteRun(*run, fresh / "runs" / run->id());
    if (!written) return tl::unexpected(written.error());
    list.push_back(std::move(*written));
  }
  const json index = {{"schema", kSchema},
                      {"name", name},
                      {"created", UtcText(std::chrono::system_clock::now())},
                      {"note", note},
                      {"runs", std::move(list)}};
  auto written = WriteFileAtomic(fresh / "baseline.json", DumpJson(index));
  return written ? Exchange(fresh, place) : written;
}

}  // namespace

Sample Slim(Sample sample) {
  sample.raw = nullptr;
  json kept = json::object();
  if (sample.provenance.is_object()) {
    for (const auto& [name, value] : sample.provenance.items())
      if (value.is_primitive()) kept[name] = value;
  }
  sample.provenance = std::move(kept);
  if (sample.failure) sample.failure->console_tail = sample.failure->console = "";
  return sample;
}

bool HasBaseline(const fs::path& baselines_dir, const std::string& name) {
  std::error_code ignored;
  return IsName(name) && fs::exists(baselines_dir / name / "baseline.json", ignored);
}

Result<void> AdoptBaseline(const fs::path& baselines_dir, const std::string& name,
                           const std::vector<RunFolder>& runs, const std::string& note,
                           IfThere if_there) {
  if (!IsName(name))
    return Fail(ExitCode::kUsage,
                fmt::format("{}: a baseline's name may hold {}, and no . at its beginning",
                            CleanText(name), PlainNameWords(kExtra)));
  if (auto checked = CheckRuns(runs); !checked) return checked;
  const fs::path place = baselines_dir / name;
  std::error_code ignored, error;
  std::vector<const RunFolder*> all;
  Baseline before;
  if (HasBaseline(baselines_dir, name)) {
    if (if_there == IfThere::kRefuse)
      return Fail(ExitCode::kUsage, name + ": the baseline exists; --replace or --append");
    if (if_there == IfThere::kAppend) {
      auto opened = OpenBaseline(baselines_dir, name);
      if (!opened) return tl::unexpected(opened.error());
      before = std::move(*opened);
    }
  }
  for (const RunFolder& run : before.runs) all.push_back(&run);
  for (const RunFolder& run : runs) {
    for (const RunFolder* other : all)
      if (other->id() == run.id())
        return Fail(ExitCode::kUsage, fmt::format("{}: {} has it already", run.id(), name));
    all.push_back(&run);
  }
  const fs::path fresh = baselines_dir / fmt::format(".{}.{}", name, getpid());
  fs::create_directories(baselines_dir, error);
  if (error) return tl::unexpected(FileError("create", baselines_dir, error.value()));
  auto written =
      Write(fresh, place, name, all, note.empty() && !before.note.empty() ? before.note : note);
  if (!written) fs::remove_all(fresh, ignored);
  return written;
}

Result<Baseline> OpenBaseline(const fs::path& baselines_dir, const std::string& name) {
  const fs::path dir = baselines_dir / name;
  if (!HasBaseline(baselines_dir, name)) return tl::unexpected(NoSuch(baselines_dir, name));
  auto index = ReadIndex(dir / "baseline.json");
  if (!index) return tl::unexpected(index.error());
  Baseline baseline;
  try {
    baseline.name = index->at("name");
    baseline.created = index->at("created");
    baseline.note = index->at("note");
    for (const json& run : index->at("runs")) {
      const std::string id = run.at("id");
      if (id.empty() || id.find('/') != std::string::npos || id.front() == '.')
        return tl::unexpected(Damaged(dir / "baseline.json", "names a run outside of itself"));
      const fs::path folder = dir / "runs" / id;
      if (const std::string wrong = CheckDigests(folder, run.at("files")); !wrong.empty())
        return tl::unexpected(Damaged(folder, wrong));
      auto opened = RunFolder::OpenForReading(folder);
      if (!opened) return tl::unexpected(opened.error());
      baseline.runs.push_back(std::move(*opened));
    }
  } catch (const json::exception& error) {
    return tl::unexpected(Damaged(dir / "baseline.json", CleanText(error.what())));
  }
  if (baseline.runs.empty()) return tl::unexpected(Damaged(dir / "baseline.json", "holds no run"));
  return baseline;
}

Result<void> RemoveBaseline(const fs::path& baselines_dir, const std::string& name) {
  const fs::path dir = baselines_dir / name;
  if (!HasBaseline(baselines_dir, name)) return tl::unexpected(NoSuch(baselines_dir, name));
  std::error_code error;
  fs::remove_all(dir, error);
  if (error) return tl::unexpected(FileError("remove", dir, error.value()));
  return {};
}

std::vector<std::string> ListBaselines(const fs::path& baselines_dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(baselines_dir, error)) {
    const std::string name = entry.path().filename().string();
    if (HasBaseline(baselines_dir, name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace blendbench
