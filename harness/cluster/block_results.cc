// SPDX-License-Identifier: MIT
#include "harness/cluster/block_results.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/store/samples_file.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostDigits = 5;

Error Unusable(const fs::path& path, const std::string& what) {
  return {ExitCode::kEnvironment,
          fmt::format("{}: {}; remove the block's folder, and --resume has it measured again",
                      path.string(), OneLine(what))};
}

}  // namespace

std::string BlockName(int block) { return fmt::format("b{:03}", block); }

std::optional<int> BlockOfName(std::string_view name) {
  if (name.size() < 4 || name.size() > kMostDigits + 1 || name.front() != 'b') return std::nullopt;
  name.remove_prefix(1);
  if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  const int block = std::stoi(std::string(name));
  return BlockName(block).substr(1) == name ? std::optional<int>(block) : std::nullopt;
}

std::vector<int> BlocksIn(const fs::path& results) {
  std::vector<int> blocks;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(results, error)) {
    std::error_code ignored;
    const auto block = BlockOfName(entry.path().filename().string());
    if (block && fs::exists(entry.path() / "plan.json", ignored)) blocks.push_back(*block);
  }
  std::sort(blocks.begin(), blocks.end());
  return blocks;
}

Result<BlockResult> ReadBlock(const fs::path& results, int block) {
  BlockResult result;
  result.block = block;
  result.folder = results / BlockName(block);
  Result<std::string> plan = ReadFile(result.folder / "plan.json");
  if (!plan) return tl::unexpected(plan.error());
  result.plan_sha256 = Sha256Hex(*plan);
  std::error_code ignored;
  if (const fs::path path = result.folder / "environment.json"; fs::exists(path, ignored)) {
    Result<std::string> text = ReadFile(path);
    if (!text) return tl::unexpected(text.error());
    const auto object = ParseJson(*text);
    if (!object) return tl::unexpected(Unusable(path, object.error()));
    try {
      result.environment = EnvironmentFromJson(*object);
    } catch (const std::exception& error) {
      return tl::unexpected(Unusable(path, error.what()));
    }
  }
  if (const fs::path path = result.folder / "samples.jsonl"; fs::exists(path, ignored)) {
    Result<std::string> text = ReadFile(path);
    if (!text) return tl::unexpected(text.error());
    result.samples = ParseSamples(*text).samples;
  }
  return result;
}

bool IsWhole(const BlockResult& result, const Plan& plan) {
  const auto steps = std::count_if(plan.steps.begin(), plan.steps.end(),
                                   [&](const Step& step) { return step.block == result.block; });
  return !result.environment.finished.empty() &&
         result.samples.size() >= static_cast<size_t>(steps);
}

bool IsMeasured(const fs::path& results, int block, const Plan& plan) {
  const Result<BlockResult> result = ReadBlock(results, block);
  return result && IsWhole(*result, plan);
}

}  // namespace blendbench
