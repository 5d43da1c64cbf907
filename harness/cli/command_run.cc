// SPDX-License-Identifier: MIT
// run: from a plan to samples.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <map>
#include <ostream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/places.h"
#include "harness/cli/prepare_plan.h"
#include "harness/cli/terminal_progress.h"
#include "harness/cluster/executor.h"
#include "harness/export/host_table.h"
#include "harness/export/record.h"
#include "harness/export/tables.h"
#include "harness/measure/images.h"
#include "harness/run/run.h"
#include "harness/run/step_loop.h"
#include "harness/store/database.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool Unfinished(const RunFolder& run) {
  return run.environment().finished.empty() || !run.PendingSteps().empty();
}

// The newest unfinished run of the same plan; "" when there is none.
std::string UnfinishedRun(const fs::path& runs_dir, const std::string& plan_sha256) {
  std::string newest;
  for (const fs::path& dir : ListRuns(runs_dir)) {
    auto run = RunFolder::OpenForReading(dir);
    if (run && run->plan_sha256() == plan_sha256 && Unfinished(*run)) newest = run->id();
  }
  return newest;
}

Result<RunFolder> OpenRun(const RunOptions& options, const PreparedPlan& prepared) {
  const std::string plan_sha256 = Sha256Hex(ToJson(prepared.plan).dump());
  std::string id = options.run;
  if (id.empty() && options.resume) id = UnfinishedRun(options.runs_dir, plan_sha256);
  if (id.empty()) id = NewRunId(options.runs_dir, prepared.plan.experiment.name);
  if (auto good = CheckRunId(id); !good) return tl::unexpected(good.error());
  const fs::path dir = fs::path(options.runs_dir) / id;
  std::error_code ignored;
  const bool exists = fs::exists(dir / "plan.json", ignored);
  if (!exists && !OnHost(prepared.plan.experiment)) {
    // Before there is a folder: a mistyped path shall not leave an empty run behind.
    auto images = LoadImages(options.images);
    if (!images) return tl::unexpected(images.error());
    if (auto all = TakeImages(*images, prepared.plan.experiment); !all)
      return tl::unexpected(all.error());
  }
  if (!options.resume || !exists) {
    return RunFolder::Create(options.runs_dir, id, prepared.plan, prepared.spec_text,
                             prepared.claims_text);
  }
  auto run = RunFolder::OpenForWriting(dir);
  if (run && run->plan_sha256() != plan_sha256) {
    return Fail(ExitCode::kUsage, fmt::format("{}: was planned with another spec, other claims or "
                                              "other options; give those, or choose "
                                              "another --run",
                                              dir.string()));
  }
  return run;
}

// The run's data stand in its folder whatever becomes of the database, so this only warns.
void UpdateDatabase(const RunFolder& run, const std::string& runs_dir, Progress& progress) {
  auto warn = [&](const Error& error) {
    progress.Warn({WarningKind::kDatabaseNotUsed, runs_dir, error.message,
                   "the run itself is whole; `blendbench list` tries again"});
  };
  auto database = Database::Open(runs_dir);
  if (database) {
    for (const Warning& note : database->notes()) progress.Warn(note);
    if (auto imported = database->Import(run); !imported) warn(imported.error());
  } else {
    warn(database.error());
  }
}

int Summarize(const RunFolder& run, const RunOutcome& outcome, bool as_json,
              const std::vector<Warning>& warnings, Io& io) {
  const RunRecord record = RecordOf(run);
  auto analysis = Analyse(record);
  if (!analysis) return Complain(io, analysis.error());
  const ExitCode code = outcome.failed > 0 ? ExitCode::kFailedSamples : ExitCode::kOk;
  if (as_json) {
    json claims = json::object();
    for (const ClaimVerdict& verdict : analysis->verdicts) {
      claims[verdict.claim.id] = {{"verdict", VerdictName(verdict.verdict)},
                                  {"indicative", VerdictName(verdict.indicative)}};
    }
    json answer = Answer("run", warnings);
    answer.update({{"run", run.id()},
                   {"folder", run.dir().string()},
                   {"steps", outcome.steps},
                   {"done", outcome.done},
                   {"failed", outcome.failed},
                   {"claims", claims},
                   {"substrate", run.environment().substrate}});
    return Give(io, answer, code);
  }
  Print(io, VerdictLines(*analysis) + HostTable(record, *analysis) +
                fmt::format("{} of {} samples, {} failed: {}\n", outcome.done, outcome.steps,
                            outcome.failed, run.dir().string()));
  return Status(code);
}

// A machine of a cluster need not have the libraries that blendfs was built with.
fs::path BlendfsFor(const RunOptions& options) {
  if (!options.blendfs.empty()) return options.blendfs;
  if (options.cluster.executor != "local")
    if (const fs::path found = FindBuilt("unionfs/tools/blendfs-static"); found.is_absolute())
      return found;
  return FindBuilt("unionfs/tools/blendfs");
}

Result<RunOutcome> Execute(RunFolder& run, const RunConfig& config, const ClusterConfig& cluster,
                           Progress& progress, const Interrupt& interrupt) {
  if (auto good = CheckExecutor(run, cluster.executor); !good) return tl::unexpected(good.error());
  if (cluster.executor == "local") return ExecuteRun(run, config, progress, interrupt);
  return ExecuteElsewhere(run, config, cluster, progress, interrupt);
}

}  // namespace

int RunCommand(const RunOptions& options, Io& io) {
  auto prepared = PreparePlan(options.spec);
  if (!prepared) return Complain(io, prepared.error());
  const bool on_host = OnHost(prepared->plan.experiment);
  if (options.jobs.empty() && prepared->home.empty() && !on_host) {
    return Complain(
        io, {ExitCode::kUsage, "workloads/fio not found; name the job files' folder with --jobs"});
  }
  if (options.images.empty() && !on_host) {
    return Complain(io, {ExitCode::kUsage, "--images is required: the folder of the guest images"});
  }
  Interrupt interrupt;
  interrupt.CatchSignals();
  auto run = OpenRun(options, *prepared);
  if (!run) return Complain(io, run.error());
  TerminalProgress progress(io);
  for (const Warning& warning : run->warnings()) progress.Warn(warning);
  RunConfig config;
  config.images = options.images.empty() ? DefaultImages() : fs::path(options.images);
  config.images_named = !options.images.empty();
  config.blendload = options.blendload.empty() ? FindBuilt("workloads/meta/blendload")
                                               : fs::path(options.blendload);
  config.blendfs = BlendfsFor(options);
  config.jobs =
      options.jobs.empty() ? prepared->home / "workloads" / "fio" : fs::path(options.jobs);
  config.programs = prepared->home / "workloads" / "programs";
  config.sources = prepared->home;
  config.qemu = options.qemu;
  config.keep_failed = options.keep_failed;
  config.tune = options.tune;
  config.diagnose = options.diagnose;
  auto outcome = Execute(*run, config, options.cluster, progress, interrupt);
  UpdateDatabase(*run, options.runs_dir, progress);
  if (!outcome) return Complain(io, outcome.error());
  return Summarize(*run, *outcome, options.spec.json, progress.warnings(), io);
}

}  // namespace blendbench
