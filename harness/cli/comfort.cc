// SPDX-License-Identifier: MIT
#include "harness/cli/comfort.h"

#include <CLI/CLI.hpp>
#include <string>

#include "harness/cli/completion.h"

namespace blendbench {
namespace {

void AddRun(CLI::App& command, RunChoice& choice) {
  AddRunChoice(command, choice);
  command.add_flag("--json", choice.json, "print the result as JSON");
}

void DefineExplain(CLI::App& app, ExplainOptions& options) {
  CLI::App* command =
      app.add_subcommand("explain", "how a verdict came about, step by step, with every input");
  AddRun(*command, options.choice);
  command->add_option("CLAIM", options.claim,
                      "the id of a claim, as `blendbench verdict` names it");
  command->add_option("--metric", options.metric, "instead of a claim: one metric, with --arm");
  command->add_option("--arm", options.arm,
                      "the arm whose comparison with the reference to explain");
  command->add_flag("--peek", options.choice.peek, "although the run is not finished");
  command->footer(
      "Examples:\n"
      "  blendbench explain latest no-negative-effect\n"
      "  blendbench explain latest --metric boot.total_s --arm fine-blendfs --json");
}

void DefineReport(CLI::App& app, ReportOptions& options) {
  CLI::App* command = app.add_subcommand(
      "report", "derive a run's whole report from its raw samples: page, plots and their data");
  AddRun(*command, options.choice);
  command->add_option("-o,--output", options.folder, "folder to write (default: reports/RUN)");
  command->footer(
      "Examples:\n  blendbench report latest\n  blendbench report results/runs/mine -o /tmp/mine");
}

void DefineArchive(CLI::App& app, ArchiveOptions& options) {
  CLI::App* command = app.add_subcommand(
      "archive", "pack a run with its report into one file that `verify` can recompute");
  AddRun(*command, options.choice);
  command->add_option("-o,--output", options.output, "file to write (default: RUN.tar.gz)");
  command->add_flag("--no-page", options.no_page,
                    "without the page and its plots, for machines that lack Python's matplotlib");
  command->footer(
      "Examples:\n"
      "  blendbench archive latest\n"
      "  blendbench archive latest -o mine.tar.gz --json   # its sha256 is what to publish");
}

void DefineVerify(CLI::App& app, VerifyOptions& options) {
  CLI::App* command = app.add_subcommand(
      "verify", "recompute every number of an archive from its raw samples, and say which differ");
  command->add_option("ARCHIVE", options.archive, "a file that `archive` made; need not be trusted")
      ->required();
  command->add_flag("--json", options.json, "print the findings as JSON");
  command->footer(
      "Examples:\n  blendbench verify mine.tar.gz\n  blendbench verify mine.tar.gz --json");
}

void DefineCompletion(CLI::App& app, CompletionOptions& options) {
  CLI::App* command = app.add_subcommand("completion", "print the shell's script for completion");
  CLI::Option* shell = command->add_option("SHELL", options.shell, "bash, zsh or fish")
                           ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command
      ->add_option("--candidates", options.candidates, "what the scripts ask for: one word a line")
      ->check(CLI::IsMember(CandidateKinds()))
      ->excludes(shell);
  command->add_option("--out", options.runs_dir, "folder of the runs")->default_val(kDefaultRuns);
  command->add_option("--baselines", options.baselines_dir, "folder of the baselines")
      ->default_val(kDefaultBaselines);
  command->add_option("--run", options.run, "the run whose claims are asked for");
  command->add_flag("--json", options.json, "print it as JSON");
  command->footer(
      "Examples:\n"
      "  source <(blendbench completion bash)                      # this bash\n"
      "  blendbench completion zsh > ~/.zfunc/_blendbench          # a folder of $fpath\n"
      "  blendbench completion fish > ~/.config/fish/completions/blendbench.fish");
}

}  // namespace

void AddRunChoice(CLI::App& command, RunChoice& choice) {
  command.add_option("RUN", choice.run, "the id of a run, its folder, or \"latest\"")->required();
  command.add_option("--out", choice.runs_dir, "folder of the runs")->default_val(kDefaultRuns);
}

void DefineComfort(CLI::App& app, ComfortOptions& options) {
  DefineExplain(app, options.explain);
  DefineReport(app, options.report);
  DefineArchive(app, options.archive);
  DefineVerify(app, options.verify);
  DefineCompletion(app, options.completion);
}

std::optional<int> DispatchComfort(const CLI::App& app, const ComfortOptions& options, Io& io) {
  const std::string name = app.get_subcommands().front()->get_name();
  if (name == "explain") return ExplainCommand(options.explain, io);
  if (name == "report") return ReportCommand(options.report, io);
  if (name == "archive") return ArchiveCommand(options.archive, io);
  if (name == "verify") return VerifyCommand(options.verify, io);
  if (name == "completion") return CompletionCommand(app, options.completion, io);
  return std::nullopt;
}

}  // namespace blendbench
