// SPDX-License-Identifier: MIT
#include "harness/cluster/block_work.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/cluster/block_lock.h"
#include "harness/cluster/block_results.h"
#include "harness/measure/host_facts.h"
#include "harness/spec/machines.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

Result<void> CheckBlockNumber(const Bundle& bundle, int block) {
  Result<std::string> text = ReadFile(bundle.folder / "plan.json");
  if (!text) return tl::unexpected(text.error());
  const auto object = ParseJson(*text);
  if (!object) return Fail(ExitCode::kEnvironment, "the bundle's plan.json: " + object.error());
  const auto plan = PlanFromJson(*object);
  if (!plan) return Fail(ExitCode::kEnvironment, "the bundle's plan.json: " + plan.error());
  const bool there = std::any_of(plan->steps.begin(), plan->steps.end(),
                                 [&](const Step& step) { return step.block == block; });
  if (there) return {};
  return Fail(ExitCode::kUsage, fmt::format("block {}: the plan has none of that number; it has {} "
                                            "blocks, from 0 on",
                                            block, plan->experiment.blocks));
}

// The block's folder with the bundle's plan in it.
Result<void> MakeFolder(const Bundle& bundle, const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder / "plan.json", error)) {
    Result<std::string> plan = ReadFile(folder / "plan.json");
    if (!plan) return tl::unexpected(plan.error());
    if (Sha256Hex(*plan) == bundle.plan_sha256) return {};
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: holds a block of another plan; choose another folder for results",
                            folder.string()));
  }
  fs::create_directories(folder / "console", error);
  if (error) return tl::unexpected(FileError("make", folder, error.value()));
  for (const char* name : {"spec.toml", "claims.toml", "plan.json"}) {  // plan.json makes it one
    Result<std::string> text = ReadFile(bundle.folder / name);
    if (!text) return tl::unexpected(text.error());
    if (Result<void> written = WriteFileAtomic(folder / name, *text); !written) return written;
  }
  return {};
}

// The machine that measured what is there, when it is another than this one and has not finished; "" otherwise.
std::string OtherMachine(const RunFolder& run) {
  if (run.PendingSteps().empty()) return "";
  const std::string here = MachineFingerprint();
  for (const Sample& sample : run.samples())
    if (const std::string machine = MachineOf(sample); machine != here)
      return machine.empty() ? "an unknown machine" : machine;
  return "";
}

// Moves what another machine began out of the way; it stays to be looked at.
Result<void> SetAside(const fs::path& folder) {
  int number = 1;
  std::error_code error;
  const auto name = [&](const char* stem, const char* suffix) {
    return folder / fmt::format("{}.aside-{}.{}", stem, number, suffix);
  };
  while (fs::exists(name("samples", "jsonl"), error)) ++number;
  fs::rename(folder / "samples.jsonl", name("samples", "jsonl"), error);
  if (error) return tl::unexpected(FileError("rename", folder / "samples.jsonl", error.value()));
  if (fs::exists(folder / "environment.json", error))
    fs::rename(folder / "environment.json", name("environment", "json"), error);
  if (error) return tl::unexpected(FileError("rename", folder / "environment.json", error.value()));
  return {};
}

Result<RunFolder> OpenBlock(const fs::path& folder, int block, Progress& progress) {
  Result<RunFolder> run = RunFolder::OpenForWriting(folder);
  if (!run) return run;
  run->OnlyBlock(block);
  const std::string other = OtherMachine(*run);
  if (other.empty()) return run;
  progress.Note(
      fmt::format("block {}: {} samples of another machine ({}) are set aside, for a "
                  "block belongs to one machine",
                  block, run->samples().size(), OneLine(other)));
  if (Result<void> aside = SetAside(folder); !aside) return tl::unexpected(aside.error());
  // Only now is the old folder closed: nobody else gets in between, the block's own lock being ours.
  { const RunFolder closed = std::move(*run); }
  run = RunFolder::OpenForWriting(folder);
  if (run) run->OnlyBlock(block);
  return run;
}

// What the run began with holds for each of its blocks.
Result<void> SeedEnvironment(RunFolder& run, const Bundle& bundle) {
  Environment environment = run.environment();
  if (!environment.created.empty()) return {};
  environment.images = bundle.images;
  environment.git_commit = bundle.git_commit;
  environment.git_dirty = bundle.git_dirty;
  return run.WriteEnvironment(environment);
}

RunConfig ConfigFor(const Bundle& bundle, const BlockOrder& order, const fs::path& folder) {
  RunConfig config;
  config.images = order.images.empty() ? bundle.images_folder : order.images;
  config.images_named = !config.images.empty();
  config.jobs = bundle.folder / "workloads" / "fio";
  config.programs = bundle.folder / "workloads" / "programs";
  config.blendload = bundle.folder / "bin" / "blendload";
  config.blendfs = bundle.folder / "bin" / "blendfs";
  config.qemu = order.qemu;
  config.tune = order.tune;
  config.keep_failed = order.keep_failed;
  config.node = order.node;
  if (!order.scratch.empty())  // by the folder's path: runs at once on one machine keep apart
    config.scratch = fs::absolute(order.scratch) /
                     ("blendbench-" + Sha256Hex(fs::absolute(folder).string()).substr(0, 16));
  return config;
}

}  // namespace

Result<RunOutcome> DoBlock(const Bundle& bundle, const BlockOrder& order, Progress& progress,
                           const Interrupt& interrupt) {
  if (Result<void> good = CheckBlockNumber(bundle, order.block); !good)
    return tl::unexpected(good.error());
  std::error_code error;
  fs::create_directories(order.results, error);
  if (error) return tl::unexpected(FileError("make", order.results, error.value()));
  const std::string name = BlockName(order.block);
  Result<BlockLock> lock = BlockLock::Take(
      order.results / (name + ".lock"),
      fmt::format("process {} of {}", ::getpid(), order.node.empty() ? "this machine" : order.node),
      order.lock_wait_s, interrupt);
  if (!lock) return tl::unexpected(lock.error());
  const fs::path folder = order.results / name;
  if (Result<void> made = MakeFolder(bundle, folder); !made) return tl::unexpected(made.error());
  Result<RunFolder> run = OpenBlock(folder, order.block, progress);
  if (!run) return tl::unexpected(run.error());
  for (const Warning& warning : run->warnings()) progress.Warn(warning);
  if (Result<void> seeded = SeedEnvironment(*run, bundle); !seeded)
    return tl::unexpected(seeded.error());
  return ExecuteRun(*run, ConfigFor(bundle, order, folder), progress, interrupt);
}

}  // namespace blendbench
