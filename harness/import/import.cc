// SPDX-License-Identifier: MIT
#include "harness/import/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/base/text.h"
#include "harness/spec/parse_host.h"

namespace blendbench {
namespace {

Result<void> CheckId(const std::string& id, const char* what) {
  if (IsPlainName(id, "-_")) return {};
  return Fail(ExitCode::kUsage,
              fmt::format("{} \"{}\" may hold only {}", what, CleanText(id), PlainNameWords("-_")));
}

Result<void> TakeMetrics(const ExternalResults& results, const std::string& file,
                         Experiment& experiment) {
  for (const Metric& metric : results.metrics) {
    const auto known = std::find_if(experiment.external.begin(), experiment.external.end(),
                                    [&](const Metric& other) { return other.id == metric.id; });
    if (known == experiment.external.end()) {
      experiment.external.push_back(metric);
    } else if (known->unit != metric.unit || known->lower_is_better != metric.lower_is_better) {
      return Fail(ExitCode::kUsage,
                  fmt::format("{}: {} is in {} here and in {} in another file; import them apart",
                              file, metric.id, metric.unit, known->unit));
    }
  }
  return {};
}

Sample MakeSample(const ExternalBlock& block, const ImportFile& file,
                  const ExternalResults& results, int number) {
  Sample sample;
  sample.arm = file.arm;
  sample.block = number;
  sample.metrics = block.metrics;
  sample.started = results.started;
  sample.raw = {{"external", block.raw}};
  sample.provenance = {{"imported_from", CleanText(file.text.name)},
                       {"sha256", Sha256Hex(file.text.bytes)},
                       {"tool", results.tool}};
  if (!block.failures.empty()) {
    sample.status = SampleStatus::kFailed;
    sample.failure = Failure{"import", block.failures.front(), Join(block.failures, "\n"), ""};
  }
  return sample;
}

Arm& FindOrAdd(Experiment& experiment, const std::string& id) {
  for (Arm& arm : experiment.arms)
    if (arm.id == id) return arm;
  Arm arm;
  arm.id = arm.label = id;
  experiment.arms.push_back(std::move(arm));
  return experiment.arms.back();
}

// Blocks of equal number stand together, in the order of the arms.
void Order(Imported& imported) {
  const auto position = [&](const std::string& id) {
    const auto& arms = imported.plan.experiment.arms;
    return std::find_if(arms.begin(), arms.end(), [&](const Arm& arm) { return arm.id == id; }) -
           arms.begin();
  };
  std::stable_sort(
      imported.samples.begin(), imported.samples.end(), [&](const Sample& a, const Sample& b) {
        return std::pair(a.block, position(a.arm)) < std::pair(b.block, position(b.arm));
      });
  for (Sample& sample : imported.samples) {
    sample.order = static_cast<int>(position(sample.arm));
    imported.plan.steps.push_back({sample.block, sample.order, sample.arm});
    imported.plan.experiment.blocks = std::max(imported.plan.experiment.blocks, sample.block + 1);
  }
}

}  // namespace

Result<Imported> ImportFiles(const std::string& name, const std::vector<ImportFile>& files,
                             const std::string& reference) {
  if (auto named = CheckId(name, "name"); !named) return tl::unexpected(named.error());
  Imported imported;
  Experiment& experiment = imported.plan.experiment;
  experiment.name = name;
  experiment.substrate = "external";
  experiment.blocks = 0;
  experiment.promises = experiment.upgrade = false;
  std::map<std::string, int> blocks;
  std::string digests;
  for (const ImportFile& file : files) {
    if (auto named = CheckId(file.arm, "arm"); !named) return tl::unexpected(named.error());
    auto results = ReadExternal(file.text);
    if (!results) return tl::unexpected(results.error());
    if (auto taken = TakeMetrics(*results, file.text.name, experiment); !taken)
      return tl::unexpected(taken.error());
    FindOrAdd(experiment, file.arm);
    for (const ExternalBlock& block : results->blocks) {
      if (blocks[file.arm] >= kMostBlocks)
        return Fail(ExitCode::kUsage, fmt::format("{}: more than {} blocks of arm {}",
                                                  file.text.name, kMostBlocks, file.arm));
      imported.samples.push_back(MakeSample(block, file, *results, blocks[file.arm]++));
    }
    for (const std::string& note : results->notes)
      imported.warnings.push_back({WarningKind::kNotImported, file.text.name, note,
                                   "the file is kept whole in the run's folder"});
    if (imported.host.is_null()) imported.host = results->host;
    if (imported.started.empty()) imported.started = results->started;
    imported.tool = results->tool;
    digests += Sha256Hex(file.text.bytes);
  }
  const std::string chosen = reference.empty() ? files.front().arm : reference;
  const bool there = blocks.count(chosen) != 0;
  if (!there)
    return Fail(ExitCode::kUsage, fmt::format("--reference {}: no file has this arm", chosen));
  FindOrAdd(experiment, chosen).reference = true;
  experiment.description = fmt::format("imported from {} files of {}", files.size(), imported.tool);
  experiment.spec_sha256 = Sha256Hex(digests);
  Order(imported);
  return imported;
}

}  // namespace blendbench
