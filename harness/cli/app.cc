// SPDX-License-Identifier: MIT
#include "harness/cli/app.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <ostream>
#include <string>
#include <vector>

#include "harness/cli/comfort.h"
#include "harness/cli/commands.h"
#include "harness/cli/elsewhere.h"
#include "harness/cli/number_checks.h"
#include "harness/cli/tracking.h"
#include "harness/export/formats.h"

namespace blendbench {
namespace {

constexpr const char* kPeek =
    "show values and verdicts although the run is not finished; who stops when they please cheats";
constexpr const char* kExitStatus =
    "Exit status: 0 done; 1 blendbench broke; 2 wrong arguments or spec; 3 the machine lacks "
    "something (QEMU, images,\n"
    "disk space); 4 the run finished and some samples failed; 5 a gate or a verification said no; "
    "6 a gate cannot tell;\n"
    "130 interrupted "
    "(--resume continues).";

void AddSpecOptions(CLI::App& command, SpecOptions& options) {
  command
      .add_option("SPEC", options.spec,
                  "a spec file (TOML), or a profile: smoke, quick, strategies, host")
      ->required();
  command.add_option("--blocks", options.blocks, "how many blocks, instead of the spec's number")
      ->check(CLI::Range(1, 1000));
  command.add_option("--seed", options.seed, "seed of the order and of fio, instead of the spec's")
      ->check(SeedNumber());
  command
      .add_option("--substrate", options.substrate,
                  "what guests run on, instead of the spec's choice")
      ->check(CLI::IsMember({"auto", "kvm", "tcg", "icount"}));
  command.add_option("--claims", options.claims,
                     "the claims to judge by (default: paper/claims.toml)");
  command.add_flag("--json", options.json, "print the result as JSON");
}

// The commands and what they were given; lives as long as the parsing.
struct CommandLine {
  CLI::App app{
      "blendbench boots KVM guests in coarse, fine and control layouts, measures them, and judges "
      "claims.",
      "blendbench"};
  RunOptions run;
  CalibrateOptions calibrate;
  PlanOptions plan;
  ExportOptions export_options;
  RunChoice show, verdict, list;
  DoctorOptions doctor;
  TrackingOptions tracking;
  ComfortOptions comfort;
  ElsewhereOptions elsewhere;
};

// What `run` and `calibrate` need alike.
void AddRunOptions(CLI::App& command, RunOptions& options) {
  AddSpecOptions(command, options.spec);
  command.add_option("--images", options.images, "folder of the guest images (manifest.json)");
  command.add_option("--jobs", options.jobs,
                     "folder of the fio job files (default: workloads/fio)");
  command.add_option("--out", options.runs_dir, "folder of the runs")->default_val(kDefaultRuns);
  command.add_option("--run", options.run, "id of the run (default: time and name)");
  command.add_option("--qemu", options.qemu, "the QEMU to use")->default_val("qemu-system-x86_64");
  command.add_option("--blendload", options.blendload,
                     "on the host: the program of the workloads (default: the one built beside)");
  command.add_option("--blendfs", options.blendfs,
                     "on the host: the blendfs to measure (default: the one built beside)");
  command.add_flag(
      "--tune", options.tune,
      "while it runs, set governor, turbo, halt polling, ASLR, KSM; put back afterwards");
}

void DefineCalibrate(CommandLine& line) {
  CLI::App* command = line.app.add_subcommand(
      "calibrate", "measure how often the harness raises false alarms and finds known slow-downs");
  AddRunOptions(*command, line.calibrate.run);
  command->get_option("SPEC")->required(false);
  command->add_option("--from", line.calibrate.from,
                      "derive it again from this finished run, without measuring");
  command->add_option("--window", line.calibrate.window, "blocks of one judged experiment")
      ->default_val(8)
      ->check(CLI::Range(5, 200));
  command->add_option("--margin", line.calibrate.margin, "the margin to judge by, 0.05 is 5 %")
      ->default_val(0.05)
      ->check(FiniteRange(0.001, 10.0));
  command->footer(
      "Examples:\n"
      "  blendbench calibrate                      on this host, without guests (calibrate-host)\n"
      "  blendbench calibrate calibrate --images ~/.cache/blendfs/images/current\n"
      "  blendbench calibrate --from 2026-11-25T17-00-00-calibration --window 6 --json");
}

void DefineRun(CommandLine& line) {
  CLI::App* command = line.app.add_subcommand("run", "carry out an experiment");
  AddRunOptions(*command, line.run);
  command->add_flag("--diagnose", line.run.diagnose,
                    "afterwards, boot each arm once more and ask for its longest units");
  command->add_flag("--resume", line.run.resume,
                    "continue an unfinished run of the same plan, if there is one");
  command->add_flag("--keep-failed", line.run.keep_failed, "keep the disks of guests that failed");
  AddExecutorOptions(*command, line.run.cluster);
  command->footer(
      "Examples:\n"
      "  blendbench run quick --images ~/.cache/blendfs/images\n"
      "  blendbench run verdict --images DIR --blocks 20 --substrate kvm\n"
      "  blendbench run host-quick   engines side by side on this host, without guests\n"
      "  blendbench run quick --images DIR --run mine --resume   after a crash, or to be sure it "
      "is done\n"
      "  blendbench run verdict --images DIR --executor slurm --slurm-option partition=bench\n"
      "  blendbench run verdict --images DIR --bundle-images --executor ssh --host a --host b");
}

void DefinePlan(CommandLine& line) {
  CLI::App* command = line.app.add_subcommand("plan", "show what a run would do, without doing it");
  AddSpecOptions(*command, line.plan.spec);
  command->add_option("--out", line.plan.runs_dir, "folder of the runs")->default_val(kDefaultRuns);
  CLI::Option* noise = command->add_option(
      "--noise", line.plan.noise_run,
      "RUN whose scatter between blocks tells the power (default: the newest of this experiment)");
  command
      ->add_option(
          "--sd", line.plan.sd_percent,
          "scatter of the ratio from block to block, in percent, instead of a measured one")
      ->check(FiniteRange(0.001, 1000.0))
      ->excludes(noise);
  command->footer(
      "Examples:\n"
      "  blendbench plan quick\n"
      "  blendbench plan quick --blocks 12 --sd 3     would 12 blocks do where ratios scatter by 3 "
      "%?\n"
      "  blendbench plan my.toml --noise latest --json");
}

void DefineExport(CommandLine& line) {
  CLI::App* command = line.app.add_subcommand("export", "write a run in another form");
  AddRunChoice(*command, line.export_options.choice);
  command
      ->add_option(
          "--format", line.export_options.format,
          "report (JSON for paper/), json, jsonl, csv, markdown, googlebenchmark, bencher, "
          "github-action-benchmark or otava")
      ->check(CLI::IsMember(ExportFormats()))
      ->default_val("report");
  command->add_option("-o,--output", line.export_options.output,
                      "file to write (default: standard output)");
  command->add_flag("--json", line.export_options.choice.json,
                    "print what was written where as JSON; needs --output");
  command->footer(
      "Examples:\n"
      "  blendbench export latest --format report -o report.json\n"
      "  blendbench export latest --format csv | column -s, -t");
}

void DefineViews(CommandLine& line) {
  CLI::App* show = line.app.add_subcommand("show", "what a run is, how far it is, what failed");
  AddRunChoice(*show, line.show);
  show->add_flag("--json", line.show.json, "print it as JSON");
  show->add_flag("--peek", line.show.peek, kPeek);
  show->footer("Examples:\n  blendbench show latest\n  blendbench show latest --json");
  CLI::App* verdict = line.app.add_subcommand("verdict", "judge the claims by a run's samples");
  AddRunChoice(*verdict, line.verdict);
  verdict->add_flag("--json", line.verdict.json, "print them as JSON");
  verdict->add_flag("--peek", line.verdict.peek, kPeek);
  verdict->footer(
      "Examples:\n  blendbench verdict latest\n  blendbench explain latest no-negative-effect   "
      "how "
      "one came about");
  CLI::App* list = line.app.add_subcommand("list", "the runs there are");
  list->add_option("--out", line.list.runs_dir, "folder of the runs")->default_val(kDefaultRuns);
  list->add_flag("--json", line.list.json, "print them as JSON");
  list->footer("Examples:\n  blendbench list\n  blendbench list --json | jq -r '.runs[].id'");
}

void DefineDoctor(CommandLine& line) {
  CLI::App* command = line.app.add_subcommand("doctor", "does this machine have what a run needs?");
  command->add_option("--images", line.doctor.images,
                      "folder of the guest images; needed for the proof of KVM");
  command->add_option("--out", line.doctor.runs_dir, "folder of the runs")
      ->default_val(kDefaultRuns);
  command->add_option("--qemu", line.doctor.qemu, "the QEMU to use")
      ->default_val("qemu-system-x86_64");
  command->add_option("--blendfs", line.doctor.blendfs,
                      "the blendfs to try FUSE passthrough with (default: the one built beside)");
  command->add_flag("--restore", line.doctor.restore,
                    "put back the settings that a killed --tune left, and do nothing else");
  command->add_flag("--json", line.doctor.json, "print the findings as JSON");
  command->footer(
      "Examples:\n  blendbench doctor\n  blendbench doctor --images ~/.cache/blendfs/images");
}

int Dispatch(const CommandLine& line, Io& io) {
  if (const auto status = DispatchComfort(line.app, line.comfort, io)) return *status;
  const std::string name = line.app.get_subcommands().front()->get_name();
  if (name == "run") return RunCommand(line.run, io);
  if (name == "calibrate") return CalibrateCommand(line.calibrate, io);
  if (name == "plan") return PlanCommand(line.plan, io);
  if (name == "export") return ExportCommand(line.export_options, io);
  if (name == "show") return ShowCommand(line.show, io);
  if (name == "verdict") return VerdictCommand(line.verdict, io);
  if (name == "list") return ListCommand(line.list, io);
  if (const auto status = DispatchTracking(line.app, line.tracking, io)) return *status;
  if (const auto status = DispatchElsewhere(line.app, line.elsewhere, io)) return *status;
  return DoctorCommand(line.doctor, io);
}

// The command the user seems to have meant, for "see ... --help".
std::string CommandPath(const CommandLine& line) {
  const auto chosen = line.app.get_subcommands();
  return chosen.empty() ? "blendbench" : "blendbench " + chosen.front()->get_name();
}

int ParseAndDispatch(int argc, const char* const* argv, Io& io) {
  CommandLine line;
  line.app.set_version_flag("--version", std::string("blendbench ") + BLENDBENCH_VERSION);
  line.app.require_subcommand(1);
  line.app.footer(
      std::string("Examples:\n  blendbench doctor\n  blendbench run quick --images DIR\n"
                  "  blendbench verdict latest\n\n") +
      kExitStatus);
  DefineRun(line);
  DefineCalibrate(line);
  DefinePlan(line);
  DefineExport(line);
  DefineViews(line);
  DefineDoctor(line);
  DefineTracking(line.app, line.tracking);
  DefineComfort(line.app, line.comfort);
  DefineElsewhere(line.app, line.elsewhere);
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    line.app.exit(success, io.out, io.err);
    return Status(ExitCode::kOk);
  } catch (const CLI::ParseError& error) {
    return Complain(io, {ExitCode::kUsage,
                         std::string(error.what()) + "; see `" + CommandPath(line) + " --help`"});
  }
  const int status = Dispatch(line, io);
  io.out.flush();
  return io.out || status != Status(ExitCode::kOk) ? status : CannotWrite(io);
}

}  // namespace

int BlendbenchMain(int argc, const char* const* argv, Io io) {
  try {
    return ParseAndDispatch(argc, argv, io);
  } catch (const std::exception& error) {
    return Complain(io,
                    {ExitCode::kBroke, std::string("defect: ") + error.what() +
                                           "; finished samples are kept, please report this line"});
  }
}

}  // namespace blendbench
