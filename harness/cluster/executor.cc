// SPDX-License-Identifier: MIT
#include "harness/cluster/executor.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/files.h"
#include "harness/cluster/block_results.h"
#include "harness/cluster/words.h"
#include "harness/run/step_loop.h"
#include "harness/spec/machines.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

Result<void> CheckConfig(const RunConfig& config, const ClusterConfig& cluster) {
  if (config.diagnose)
    return Fail(ExitCode::kUsage,
                "--diagnose boots guests on this machine; leave it out with --executor");
  if (cluster.executor == "slurm") {
    if (!cluster.hosts.empty())
      return Fail(ExitCode::kUsage,
                  "--host is for --executor ssh; Slurm chooses the machines, and "
                  "--slurm-option nodelist=... narrows its choice");
    if (auto good = SlurmArguments(cluster.slurm_options); !good)
      return tl::unexpected(good.error());
    return {};
  }
  if (!cluster.slurm_options.empty())
    return Fail(ExitCode::kUsage, "--slurm-option is for --executor slurm");
  if (!IsPlainWord(cluster.remote_folder))
    return Fail(ExitCode::kUsage,
                fmt::format("--remote-folder {}: a shell over there reads the path, so it may have "
                            "letters, digits and . _ / : @ = + , - only",
                            cluster.remote_folder));
  return CheckHosts(cluster.hosts);
}

// The bundle that the run began with, or a new one: a run's samples come from one bundle.
Result<Bundle> BundleFor(const RunFolder& run, const RunConfig& config,
                         const ClusterConfig& cluster, const ClusterRecord& record,
                         Progress& progress, const Interrupt& interrupt) {
  if (!record.bundle.empty()) return OpenBundle(run.dir() / record.bundle);
  progress.Note("making the bundle");
  BundleOrder order;
  order.config = config;
  order.images_inside = cluster.bundle_images;
  return MakeBundle(run, order, run.dir(), interrupt);
}

std::string MissingText(const MergeOutcome& outcome) {
  std::string text;
  if (!outcome.missing.empty())
    text = fmt::format("blocks {} are not measured to their end", BlocksText(outcome.missing));
  for (const auto& [block, reason] : outcome.refused)
    text += fmt::format("{}block {} was refused: {}", text.empty() ? "" : "; ", block, reason);
  return text;
}

}  // namespace

std::vector<int> PendingBlocks(const RunFolder& run) {
  std::vector<int> blocks;
  for (const Step& step : run.PendingSteps())
    if (blocks.empty() || blocks.back() != step.block) blocks.push_back(step.block);
  return blocks;
}

std::vector<int> UnmeasuredBlocks(const RunFolder& run, const fs::path& results) {
  std::vector<int> blocks = PendingBlocks(run);
  std::erase_if(blocks, [&](int block) { return IsMeasured(results, block, run.plan()); });
  return blocks;
}

std::vector<std::string> OptionsForBlock(const RunConfig& config) {
  std::vector<std::string> options = {"--qemu", config.qemu};
  if (config.tune) options.push_back("--tune");
  if (config.keep_failed) options.push_back("--keep-failed");
  return options;
}

void TellBlock(const Elsewhere& elsewhere, int block) {
  const auto result = ReadBlock(ResultsFolder(elsewhere.run.dir()), block);
  if (!result) return;
  for (const Sample& sample : result->samples)
    elsewhere.progress.StepFinished(sample.order, sample);
}

Result<void> CheckExecutor(const RunFolder& run, const std::string& executor) {
  auto record = ReadClusterRecord(run.dir());
  if (!record) return tl::unexpected(record.error());
  const std::string began = *record ? (*record)->executor : "local";
  if (began == executor || run.PendingSteps().empty() || (!*record && run.samples().empty()))
    return {};
  return Fail(ExitCode::kUsage,
              fmt::format("{}: was begun with --executor {}; continue it with that, or choose "
                          "another --run",
                          run.dir().string(), began));
}

Result<RunOutcome> ExecuteElsewhere(RunFolder& run, const RunConfig& config,
                                    const ClusterConfig& cluster, Progress& progress,
                                    const Interrupt& interrupt) {
  if (Result<void> good = CheckConfig(config, cluster); !good) return tl::unexpected(good.error());
  if (run.PendingSteps().empty() && !run.environment().finished.empty()) return OutcomeOf(run);
  auto known = ReadClusterRecord(run.dir());
  if (!known) return tl::unexpected(known.error());
  ClusterRecord record = known->value_or(ClusterRecord{});
  Result<Bundle> bundle = BundleFor(run, config, cluster, record, progress, interrupt);
  if (!bundle) return tl::unexpected(bundle.error());
  record.executor = cluster.executor;
  record.bundle = bundle->name();
  if (Result<void> written = WriteClusterRecord(run.dir(), record); !written)
    return tl::unexpected(written.error());
  const fs::path results = ResultsFolder(run.dir());
  std::error_code error;
  for (const fs::path& folder : {results, ClusterLogs(run.dir())}) {
    fs::create_directories(folder, error);
    if (error) return tl::unexpected(FileError("make", folder, error.value()));
  }
  const Experiment& experiment = run.plan().experiment;
  const auto blocks = static_cast<size_t>(std::max(1, experiment.blocks));
  const size_t left = UnmeasuredBlocks(run, results).size() * (run.plan().steps.size() / blocks);
  const int total = static_cast<int>(run.plan().steps.size());
  progress.RunStarted(total, total - static_cast<int>(std::min(left, run.plan().steps.size())),
                      EstimateStepSeconds(experiment, false));
  Elsewhere elsewhere{run, *bundle, config, cluster, record, progress, interrupt};
  Result<void> done = cluster.executor == "slurm" ? RunOnSlurm(elsewhere) : RunOverSsh(elsewhere);
  progress.RunFinished();
  // Whatever ended it: whole blocks enter.
  Result<MergeOutcome> merged = MergeBlocks(run, *bundle, results, progress);
  if (!done) return tl::unexpected(done.error());
  if (!merged) return tl::unexpected(merged.error());
  if (const std::string missing = MissingText(*merged); !missing.empty())
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: {}; run it again with --resume", run.dir().string(), missing));
  return OutcomeOf(run);
}

Result<MergeOutcome> CollectRun(RunFolder& run, Progress& progress) {
  auto record = ReadClusterRecord(run.dir());
  if (!record) return tl::unexpected(record.error());
  if (!*record)
    return Fail(ExitCode::kUsage,
                fmt::format("{}: was not carried out on other machines, so there is nothing to "
                            "collect",
                            run.dir().string()));
  Result<Bundle> bundle = OpenBundle(run.dir() / (*record)->bundle);
  if (!bundle) return tl::unexpected(bundle.error());
  return MergeBlocks(run, *bundle, ResultsFolder(run.dir()), progress);
}

}  // namespace blendbench
