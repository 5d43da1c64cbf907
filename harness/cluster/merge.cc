// SPDX-License-Identifier: MIT
#include "harness/cluster/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cluster/block_results.h"
#include "harness/cluster/check_blocks.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

const Sample* Find(const std::vector<Sample>& samples, const std::string& arm, int block) {
  for (const Sample& sample : samples)
    if (sample.block == block && sample.arm == arm) return &sample;
  return nullptr;
}

// Why what is in the run already does not agree with the block; "" when it does.
std::string Contradiction(const RunFolder& run, const BlockResult& result) {
  for (const Sample& sample : run.samples()) {
    if (sample.block != result.block) continue;
    const Sample* again = Find(result.samples, sample.arm, sample.block);
    if (again == nullptr || ToJson(*again) != ToJson(sample))
      return fmt::format("the run already has another sample of block {}, arm {}", sample.block,
                         OneLine(sample.arm));
  }
  return "";
}

// The block's logs beside the run's; names that do not say their block get it.
void CopyConsoles(const BlockResult& result, const fs::path& run_dir) {
  const std::string own = BlockName(result.block) + "-";
  std::error_code error;
  fs::create_directories(run_dir / "console", error);
  for (const fs::directory_entry& entry :
       fs::directory_iterator(result.folder / "console", error)) {
    std::error_code ignored;
    const std::string name = entry.path().filename().string();
    if (!fs::is_regular_file(entry.symlink_status(ignored)) || entry.path().extension() != ".log")
      continue;
    fs::copy_file(entry.path(), run_dir / "console" / (name.starts_with(own) ? name : own + name),
                  fs::copy_options::overwrite_existing, ignored);
  }
}

// The run's environment with what a block adds: its machine, and the images as they were when it ended.
void Add(const BlockResult& result, const RunFacts& facts, Environment& environment) {
  const Environment& block = result.environment;
  const bool first = environment.created.empty();
  if (first || (!block.created.empty() && block.created < environment.created))
    environment.created = block.created;
  if (first) {
    environment.substrate = facts.substrate;
    environment.substrate_reason = block.substrate_reason;
    environment.git_commit = block.git_commit;
    environment.git_dirty = block.git_dirty;
    environment.images_dir = block.images_dir;
    environment.images = facts.used;
    environment.host = block.host;
    // What is one machine's alone stands with the samples.
    for (const char* name : {"machine", "node"}) environment.host.erase(name);
  }
  for (const auto& [name, digest] : block.images_after) {
    const auto before = environment.images.find(name);
    const bool changed = before != environment.images.end() && before->second != digest;
    if (changed || environment.images_after.count(name) == 0)
      environment.images_after[name] = digest;
  }
  const double most = std::max(NumberMember(block.host, "load1_max").value_or(0),
                               NumberMember(environment.host, "load1_max").value_or(0));
  environment.host["load1_max"] = most;
}

Result<void> Enter(RunFolder& run, const BlockResult& result) {
  CopyConsoles(result, run.dir());
  for (const Step& step : run.PendingSteps()) {
    if (step.block != result.block) continue;
    const Sample* sample = Find(result.samples, step.arm, step.block);
    if (sample == nullptr) continue;  // cannot be: a block is checked to be whole
    if (Result<void> appended = run.Append(*sample); !appended) return appended;
  }
  return {};
}

std::set<int> BlocksOf(const Plan& plan) {
  std::set<int> blocks;
  for (const Step& step : plan.steps) blocks.insert(step.block);
  return blocks;
}

void Refuse(int block, const fs::path& folder, const std::vector<std::string>& reasons,
            MergeOutcome& outcome, Progress& progress) {
  outcome.refused[block] = reasons.front();
  for (const std::string& reason : reasons)
    progress.Warn({WarningKind::kForeignSample, folder.string(), reason,
                   "the block does not enter; remove its folder, and --resume measures it again"});
}

// What becomes of one block; its result when it may enter.
Result<std::optional<BlockResult>> Judge(const RunFolder& run, const fs::path& results, int block,
                                         const RunFacts& facts, MergeOutcome& outcome,
                                         Progress& progress) {
  Result<BlockResult> result = ReadBlock(results, block);
  if (!result) {
    Refuse(block, results / BlockName(block), {result.error().message}, outcome, progress);
    return std::nullopt;
  }
  const bool planned = BlocksOf(run.plan()).count(block) != 0;
  if (planned && result->plan_sha256 == facts.plan_sha256 && !IsWhole(*result, run.plan())) {
    outcome.missing.push_back(block);
    return std::nullopt;
  }
  std::vector<std::string> reasons = Refusals(*result, run.plan(), facts);
  if (reasons.empty())
    if (std::string other = Contradiction(run, *result); !other.empty())
      reasons.push_back(std::move(other));
  if (!reasons.empty()) {
    Refuse(block, result->folder, reasons, outcome, progress);
    return std::nullopt;
  }
  return std::optional<BlockResult>(std::move(*result));
}

}  // namespace

Result<MergeOutcome> MergeBlocks(RunFolder& run, const Bundle& bundle, const fs::path& results,
                                 Progress& progress) {
  MergeOutcome outcome;
  RunFacts facts = FactsOf(run, bundle);
  Environment environment = run.environment();
  std::set<int> absent = BlocksOf(run.plan());
  for (const int block : BlocksIn(results)) {
    absent.erase(block);
    auto result = Judge(run, results, block, facts, outcome, progress);
    if (!result) return tl::unexpected(result.error());
    if (!*result) continue;
    Learn(**result, facts);
    Add(**result, facts, environment);
    // Before its samples: a run says what it ran on before anything is concluded from it.
    if (Result<void> written = run.WriteEnvironment(environment); !written)
      return tl::unexpected(written.error());
    if (Result<void> entered = Enter(run, **result); !entered)
      return tl::unexpected(entered.error());
    outcome.entered.push_back(block);
  }
  // Blocks that are in the run and whose folders have been tidied away are not missing.
  for (const int block : absent) {
    const auto pending = run.PendingSteps();
    if (std::any_of(pending.begin(), pending.end(),
                    [&](const Step& step) { return step.block == block; }))
      outcome.missing.push_back(block);
  }
  std::sort(outcome.missing.begin(), outcome.missing.end());
  const bool whole = run.PendingSteps().empty() && outcome.refused.empty();
  if (!whole || !environment.finished.empty()) return outcome;
  for (const auto& [name, digest] : environment.images_after)
    if (environment.images[name] != digest)
      progress.Warn({WarningKind::kImageChanged, name, "the image changed during the run",
                     "find what wrote to it, build the images again and start a new run"});
  environment.finished = UtcText(std::chrono::system_clock::now());
  if (Result<void> written = run.WriteEnvironment(environment); !written)
    return tl::unexpected(written.error());
  return outcome;
}

}  // namespace blendbench
