// SPDX-License-Identifier: MIT
#include "harness/archive/check_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "harness/archive/check_plan.h"
#include "harness/archive/compare_json.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/import/import.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

using nlohmann::json;

constexpr int kMostTries = 200'000;

struct KeptFile {
  std::string digest;
  const std::string* bytes;
};

// In the order in which they were given: by the number that their names begin with.
std::vector<KeptFile> KeptFiles(const RunFolder& run, const FileMap& files) {
  const std::string folder = "runs/" + run.id() + "/imported/";
  std::multimap<long, KeptFile> numbered;
  for (const auto& [path, content] : files)
    if (path.rfind(folder, 0) == 0)
      numbered.emplace(std::strtol(path.c_str() + folder.size(), nullptr, 10),
                       KeptFile{Sha256Hex(content), &content});
  std::vector<KeptFile> kept;
  for (auto& [number, file] : numbered) kept.push_back(std::move(file));
  return kept;
}

// A text member of a sample's provenance; "" when there is none.
std::string Told(const Sample& sample, const char* member) {
  if (!sample.provenance.is_object()) return "";
  const auto found = sample.provenance.find(member);
  return found != sample.provenance.end() && found->is_string() ? found->get<std::string>() : "";
}

// Which arm each file was given for. Samples tell their file by its digest alone, and equal files may have been given
// for several arms; so the files are dealt out in their order, each to an arm whose next samples are of it.
class Dealing {
 public:
  Dealing(const RunFolder& run, const std::vector<KeptFile>& files) : files_(files) {
    for (const Arm& arm : run.plan().experiment.arms) arms_.push_back({arm.id, {}, 0});
    std::map<std::string, size_t> samples, copies;
    for (const Sample& sample : run.samples()) {
      ++samples[Told(sample, "sha256")];
      for (OneArm& arm : arms_)
        if (arm.id == sample.arm) arm.samples.push_back(&sample);
    }
    for (OneArm& arm : arms_)
      std::stable_sort(arm.samples.begin(), arm.samples.end(),
                       [](const Sample* a, const Sample* b) { return a->block < b->block; });
    for (const KeptFile& file : files_) ++copies[file.digest];
    for (const KeptFile& file : files_)
      blocks_.push_back(samples[file.digest] / copies[file.digest]);
  }

  // The files as they were given; empty when the samples cannot be theirs.
  std::vector<ImportFile> Deal() {
    given_.clear();
    if (!From(0)) given_.clear();
    return given_;
  }

 private:
  struct OneArm {
    std::string id;
    std::vector<const Sample*> samples;  // by block
    size_t next;                         // of them
  };

  bool Fits(const OneArm& arm, size_t file) const {
    if (blocks_[file] == 0 || arm.samples.size() - arm.next < blocks_[file]) return false;
    for (size_t i = 0; i < blocks_[file]; ++i)
      if (Told(*arm.samples[arm.next + i], "sha256") != files_[file].digest) return false;
    return true;
  }
  bool Give(size_t index, size_t file) {
    OneArm& arm = arms_[index];
    if (!Fits(arm, file)) return false;
    given_.push_back(
        {arm.id, {Told(*arm.samples[arm.next], "imported_from"), *files_[file].bytes}});
    arm.next += blocks_[file];
    if (From(file + 1)) return true;
    arm.next -= blocks_[file];
    given_.pop_back();
    return false;
  }
  // The arms stand in the plan in the order of their first files: of those without any, only the next may take one.
  bool From(size_t file) {
    if (file == files_.size()) return true;
    if (++tries_ > kMostTries) return false;
    size_t begun = 0;
    while (begun < arms_.size() && arms_[begun].next > 0) ++begun;
    if (begun < arms_.size() && Give(begun, file)) return true;
    for (size_t index = 0; index < begun; ++index)
      if (Give(index, file)) return true;
    return false;
  }

  const std::vector<KeptFile>& files_;
  std::vector<size_t> blocks_;  // of each file
  std::vector<OneArm> arms_;
  std::vector<ImportFile> given_;
  int tries_ = 0;
};

void CompareSamples(const RunFolder& run, const std::vector<Sample>& derived,
                    Mismatches& mismatches) {
  if (run.samples().size() != derived.size())
    mismatches.push_back({"sample", "samples.jsonl",
                          fmt::format("it holds {} samples, the imported files give {}",
                                      run.samples().size(), derived.size())});
  size_t named = 0;
  for (size_t i = 0; i < std::min(run.samples().size(), derived.size()); ++i) {
    Sample again = derived[i];
    if (again.started.empty()) again.started = run.environment().created;
    const auto kept = ParseJson(DumpJson(ToJson(again), -1));  // as it comes back from a file
    if (!kept || named >= kMostNamed) return;
    const Sample& sample = run.samples()[i];
    for (const JsonDifference& one :
         CompareJson(ToJson(sample), ToJson(SampleFromJson(*kept)), kMostNamed - named)
             .differences) {
      ++named;
      mismatches.push_back({"sample",
                            fmt::format("block {}, arm {}", sample.block, OneLine(sample.arm)),
                            fmt::format("{}: the archive says {}, the imported file gives {}",
                                        one.place, one.archived, one.derived)});
    }
  }
}

void CompareEnvironment(const Environment& environment, const Imported& derived,
                        Mismatches& mismatches) {
  const json host = derived.host.is_object() ? derived.host : json::object();
  if (environment.host != host || environment.substrate != "external" ||
      (!derived.started.empty() && environment.created != derived.started))
    mismatches.push_back(
        {"provenance", "environment.json", "is not what the imported files tell of their machine"});
}

}  // namespace

void CheckImport(const RunFolder& run, const FileMap& files, Mismatches& mismatches) {
  const Plan& plan = run.plan();
  const std::vector<KeptFile> kept = KeptFiles(run, files);
  auto wrong = [&](const std::string& what) { mismatches.push_back({"plan", "plan.json", what}); };
  std::string digests;
  for (const KeptFile& file : kept) digests += file.digest;
  if (kept.empty() || Sha256Hex(digests) != plan.experiment.spec_sha256)
    return wrong("was made of other imported files");
  const std::vector<ImportFile> given = Dealing(run, kept).Deal();
  if (given.empty()) return wrong("has samples that do not come from the imported files");
  const Arm* reference = ReferenceOf(plan.experiment);
  auto derived = ImportFiles(plan.experiment.name, given, reference ? reference->id : "");
  if (!derived)
    return wrong("its imported files cannot be read again: " + OneLine(derived.error().message));
  CompareExperiments(plan.experiment, derived->plan.experiment, "the import", mismatches);
  if (derived->plan.steps != plan.steps) wrong("does not have the order of its imported files");
  if (plan.claims_sha256 != Sha256Hex("")) wrong("has claims, which imported results have none of");
  CompareSamples(run, derived->samples, mismatches);
  CompareEnvironment(run.environment(), *derived, mismatches);
}

}  // namespace blendbench
