// SPDX-License-Identifier: MIT
// run and plan: from a spec to a plan, and from a plan to samples.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <map>
#include <ostream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/places.h"
#include "harness/cli/terminal_progress.h"
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

struct Prepared {
  Plan plan;
  std::string spec_text;
  std::string claims_text;
  fs::path home;
};

// The text of the claims, which parses. An experiment on the host is judged by none unless it is given
// some.
Result<std::string> ReadClaims(const SpecOptions& options, const Experiment& experiment,
                               const fs::path& home) {
  if (options.claims.empty() && OnHost(experiment)) return std::string();
  if (options.claims.empty() && home.empty()) {
    return Fail(ExitCode::kUsage, "paper/claims.toml not found; name the claims with --claims");
  }
  const fs::path path =
      options.claims.empty() ? home / "paper" / "claims.toml" : fs::path(options.claims);
  auto text = ReadFile(path);
  if (!text) return Fail(ExitCode::kUsage, text.error().message);
  if (auto claims = ParseClaims(*text, path.string()); !claims) {
    return Fail(ExitCode::kUsage, claims.error());
  }
  return text;
}

Result<Prepared> Prepare(const SpecOptions& options) {
  Prepared prepared;
  prepared.home = FindHome();
  auto spec_path = FindSpec(options.spec, prepared.home);
  if (!spec_path) return tl::unexpected(spec_path.error());
  auto spec_text = ReadFile(*spec_path);
  if (!spec_text) return tl::unexpected(spec_text.error());
  auto experiment = ParseExperiment(*spec_text, spec_path->string());
  if (!experiment) return Fail(ExitCode::kUsage, experiment.error());
  if (options.blocks) experiment->blocks = *options.blocks;
  if (options.seed) experiment->seed = *options.seed;
  if (!options.substrate.empty()) {
    if (OnHost(*experiment))
      return Fail(ExitCode::kUsage, spec_path->string() +
                                        " is for the host, which has no guests to put on " +
                                        options.substrate + "; leave --substrate out");
    experiment->substrate = options.substrate;
  }
  auto claims_text = ReadClaims(options, *experiment, prepared.home);
  if (!claims_text) return tl::unexpected(claims_text.error());
  prepared.plan = MakePlan(*experiment, Sha256Hex(*claims_text));
  prepared.spec_text = std::move(*spec_text);
  prepared.claims_text = std::move(*claims_text);
  return prepared;
}

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

Result<RunFolder> OpenRun(const RunOptions& options, const Prepared& prepared) {
  const std::string plan_sha256 = Sha256Hex(ToJson(prepared.plan).dump());
  std::string id = options.run;
  if (id.empty() && options.resume) id = UnfinishedRun(options.runs_dir, plan_sha256);
  if (id.empty()) id = NewRunId(options.runs_dir, prepared.plan.experiment.name);
  if (id.find('/') != std::string::npos || id == "." || id == "..") {
    return Fail(ExitCode::kUsage,
                fmt::format("--run {}: an id is a plain name; give the folder with --out", id));
  }
  const fs::path dir = fs::path(options.runs_dir) / id;
  std::error_code ignored;
  const bool exists = fs::exists(dir / "plan.json", ignored);
  if (!exists && !OnHost(prepared.plan.experiment)) {
    // Before there is a folder: a mistyped path shall not leave an empty run behind.
    auto images = LoadImages(options.images);
    if (!images) return tl::unexpected(images.error());
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
  auto database = Database::Open(runs_dir);
  if (database) {
    for (const std::string& note : database->notes()) progress.Note(note);
    if (auto imported = database->Import(run); !imported) progress.Note(imported.error().message);
  } else {
    progress.Note(database.error().message);
  }
}

int Summarize(const RunFolder& run, const RunOutcome& outcome, bool as_json, Io& io) {
  const RunRecord record = RecordOf(run);
  auto analysis = Analyse(record);
  if (!analysis) return Complain(io, analysis.error());
  if (as_json) {
    json claims = json::object();
    for (const ClaimVerdict& verdict : analysis->verdicts) {
      claims[verdict.claim.id] = {{"verdict", VerdictName(verdict.verdict)},
                                  {"indicative", VerdictName(verdict.indicative)}};
    }
    io.out << json{{"run", run.id()},
                   {"folder", run.dir().string()},
                   {"steps", outcome.steps},
                   {"done", outcome.done},
                   {"failed", outcome.failed},
                   {"claims", claims},
                   {"substrate", run.environment().substrate}}
                  .dump(2)
           << '\n';
  } else {
    io.out << VerdictLines(*analysis) << HostTable(record, *analysis)
           << fmt::format("{} of {} samples, {} failed: {}\n", outcome.done, outcome.steps,
                          outcome.failed, run.dir().string());
  }
  io.out.flush();
  return Status(outcome.failed > 0 ? ExitCode::kFailedSamples : ExitCode::kOk);
}

json PlanJson(const Plan& plan, double seconds) {
  json object = ToJson(plan);
  object["plan_sha256"] = Sha256Hex(ToJson(plan).dump());
  object["estimate_s"] = seconds;
  return object;
}

void PrintPlan(const Plan& plan, double seconds, Io& io) {
  const Experiment& experiment = plan.experiment;
  const bool on_host = OnHost(experiment);
  io.out << fmt::format("{}: {} blocks of {} arms, {} {}, {} {} each, seed {}\n", experiment.name,
                        experiment.blocks, experiment.arms.size(), plan.steps.size(),
                        on_host ? "samples" : "guests",
                        on_host ? experiment.host.cases.size() : experiment.jobs.size(),
                        on_host ? "cases" : "jobs", experiment.seed);
  std::map<int, std::vector<std::string>> blocks;
  for (const Step& step : plan.steps) blocks[step.block].push_back(step.arm);
  for (const auto& [block, arms] : blocks) {
    io.out << fmt::format("  block {:>3}  {}\n", block, Join(arms, "  "));
  }
  if (on_host) {
    io.out << fmt::format("about {:.0f} minutes\n", std::ceil(seconds / 60));
  } else {
    io.out << fmt::format("about {:.0f} minutes of guests{}\n", std::ceil(seconds / 60),
                          experiment.substrate == "kvm" ? "" : " when emulated, less on KVM");
  }
}

}  // namespace

int PlanCommand(const SpecOptions& options, Io& io) {
  auto prepared = Prepare(options);
  if (!prepared) return Complain(io, prepared.error());
  const Plan& plan = prepared->plan;
  const bool emulated = plan.experiment.substrate != "kvm";
  const double seconds =
      EstimateStepSeconds(plan.experiment, emulated) * static_cast<double>(plan.steps.size());
  if (options.json) {
    io.out << PlanJson(plan, seconds).dump(2) << '\n';
  } else {
    PrintPlan(plan, seconds, io);
  }
  return Status(ExitCode::kOk);
}

int RunCommand(const RunOptions& options, Io& io) {
  auto prepared = Prepare(options.spec);
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
  for (const std::string& warning : run->warnings()) progress.Note(warning);
  RunConfig config;
  config.images = options.images.empty() ? DefaultImages() : fs::path(options.images);
  config.images_named = !options.images.empty();
  config.blendload = options.blendload.empty() ? FindBuilt("workloads/meta/blendload")
                                               : fs::path(options.blendload);
  config.blendfs =
      options.blendfs.empty() ? FindBuilt("unionfs/tools/blendfs") : fs::path(options.blendfs);
  config.jobs =
      options.jobs.empty() ? prepared->home / "workloads" / "fio" : fs::path(options.jobs);
  config.sources = prepared->home;
  config.qemu = options.qemu;
  config.keep_failed = options.keep_failed;
  config.tune = options.tune;
  config.diagnose = options.diagnose;
  auto outcome = ExecuteRun(*run, config, progress, interrupt);
  UpdateDatabase(*run, options.runs_dir, progress);
  if (!outcome) return Complain(io, outcome.error());
  return Summarize(*run, *outcome, options.spec.json, io);
}

}  // namespace blendbench
