// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <map>

#include "harness/cli/commands.h"
#include "harness/cli/number_checks.h"
#include "harness/cli/tracking.h"

namespace blendbench {
namespace {

constexpr double kPercent = 0.01;

const std::map<std::string, Scale> kScales = {
    {"auto", Scale::kAuto}, {"relative", Scale::kRelative}, {"absolute", Scale::kAbsolute}};

// An option in percent for a value that is a share.
void AddPercent(CLI::App& command, const std::string& name, double& share, double least,
                double most, const std::string& help) {
  command
      .add_option_function<double>(
          name, [&share](const double& percent) { share = percent * kPercent; }, help)
      ->check(FiniteRange(least, most))
      ->type_name("PERCENT");
}

void AddFilters(CLI::App& command, std::vector<std::string>& metrics,
                std::vector<std::string>& arms, Scale& scale) {
  command.add_option("--metric", metrics, "only these metrics (* stands for any characters)")
      ->allow_extra_args(false);
  command.add_option("--arm", arms, "only these arms")->allow_extra_args(false);
  command
      .add_option_function<std::string>(
          "--scale", [&scale](const std::string& word) { scale = kScales.at(word); },
          "relative to the reference arm of the same block, or absolute (default: auto, relative "
          "where there is another arm)")
      ->transform(CLI::IsMember({"auto", "relative", "absolute"}, CLI::ignore_case));
}

void AddCompareOptions(CLI::App& command, CompareOptions& options) {
  command.add_option("--out", options.runs_dir, "folder of the runs")->default_val(kDefaultRuns);
  command.add_option("--baselines", options.baselines_dir, "folder of the baselines")
      ->default_val(kDefaultBaselines);
  AddFilters(command, options.gate.metrics, options.gate.arms, options.gate.scale);
  AddPercent(command, "--min-change", options.gate.least_change, 0, 1000,
             "smaller changes are passed over (default 3)");
  AddPercent(command, "--blind-above", options.gate.blind_above, 0, 10000,
             "a metric too noisy to show this change cannot be told of (default 25)");
  AddPercent(command, "--alpha", options.gate.alpha, 0.001, 50,
             "chance of any false flag when nothing changed (default 5)");
  command.add_flag("--across-machines", options.gate.across_machines,
                   "compare although the machine or the substrate differs");
  command.add_flag("--all", options.all, "a line for every metric, not only for what changed");
  command.add_flag("--json", options.json, "print the comparison as JSON");
  command.add_option("--markdown", options.markdown,
                     "append a summary to this file, such as $GITHUB_STEP_SUMMARY");
}

void DefineCompare(CLI::App& app, TrackingOptions& options) {
  CLI::App* compare =
      app.add_subcommand("compare", "what changed from one run or baseline to another run");
  compare->add_option("A", options.compare.baseline, "a run, or the name of a baseline")
      ->required();
  compare->add_option("B", options.compare.candidate, "the later run")->required();
  AddCompareOptions(*compare, options.compare);
  compare->footer(
      "Example:\n  blendbench compare 2026-11-23T10-00-00-quick latest\n"
      "  blendbench compare main latest --metric 'boot.*' --all");
  CLI::App* gate = app.add_subcommand("gate", "fail when a run is worse than a baseline");
  gate->add_option("RUN", options.gate.candidate, "the run to judge")->required();
  gate->add_option("--baseline", options.gate.baseline, "the name of a baseline, or a run")
      ->required();
  AddCompareOptions(*gate, options.gate);
  gate->footer(
      "Exit status: 0 nothing is worse; 5 something is; 6 cannot tell (too noisy, incomplete, "
      "another machine).\n"
      "Examples:\n  blendbench gate latest --baseline main\n"
      "  blendbench gate latest --baseline main --metric 'boot.*' --metric 'fio.app_*' "
      "--min-change 5");
}

void AddBaselineFolder(CLI::App& command, BaselineOptions& options) {
  command.add_option("--baselines", options.baselines_dir, "folder of the baselines")
      ->default_val(kDefaultBaselines);
}

void DefineBaseline(CLI::App& app, TrackingOptions& options) {
  CLI::App* baseline = app.add_subcommand("baseline", "runs that later ones are held against");
  baseline->require_subcommand(1);
  baseline->footer(
      "Examples:\n  blendbench baseline adopt main latest\n"
      "  blendbench baseline adopt main RUN2 RUN3 --append\n  blendbench baseline list");
  CLI::App* adopt = baseline->add_subcommand(
      "adopt", "keep finished runs under a name; several of them tell how much runs differ");
  adopt->add_option("NAME", options.adopt.name, "its name")->required();
  adopt->add_option("RUN", options.adopt.runs, "runs: ids, folders, or \"latest\"")->required();
  adopt->add_option("--out", options.adopt.runs_dir, "folder of the runs")
      ->default_val(kDefaultRuns);
  adopt->add_option("--note", options.adopt.note, "why, for whoever reads it later");
  auto* replace =
      adopt->add_flag("--replace", options.adopt.replace, "in place of the one of this name");
  adopt->add_flag("--append", options.adopt.append, "beside the runs it has already")
      ->excludes(replace);
  AddBaselineFolder(*adopt, options.adopt);
  adopt->add_flag("--json", options.adopt.json, "print what was adopted as JSON");
  adopt->footer("Example:\n  blendbench baseline adopt main latest --note 'release 1.0'");
  CLI::App* list = baseline->add_subcommand("list", "the baselines there are");
  AddBaselineFolder(*list, options.list_baselines);
  list->add_flag("--json", options.list_baselines.json, "print them as JSON");
  CLI::App* show = baseline->add_subcommand("show", "what a baseline is made of");
  show->add_option("NAME", options.show_baseline.name, "its name")->required();
  AddBaselineFolder(*show, options.show_baseline);
  show->add_flag("--json", options.show_baseline.json, "print it as JSON");
  CLI::App* remove = baseline->add_subcommand("remove", "forget a baseline; its runs stay");
  remove->add_option("NAME", options.remove_baseline.name, "its name")->required();
  AddBaselineFolder(*remove, options.remove_baseline);
  remove->add_flag("--json", options.remove_baseline.json, "print what was removed as JSON");
}

void DefineHistory(CLI::App& app, HistoryCommandOptions& options) {
  CLI::App* command = app.add_subcommand("history", "where metrics changed over all stored runs");
  command->add_option("--out", options.runs_dir, "folder of the runs")->default_val(kDefaultRuns);
  command->add_option("--experiment", options.experiment, "only runs of this experiment");
  command->add_option("--last", options.last, "only the newest N runs")
      ->check(CLI::Range(1, 100'000));
  AddFilters(*command, options.history.metrics, options.history.arms, options.history.scale);
  AddPercent(*command, "--min-change", options.history.least_change, 0, 1000,
             "smaller changes are passed over (default 3)");
  AddPercent(*command, "--alpha", options.history.alpha, 0.001, 50,
             "chance of any false change when nothing changed (default 5)");
  command
      ->add_option("--min-runs", options.history.least_runs,
                   "runs that a change must have lasted (default 3)")
      ->check(CLI::Range(2, 100));
  command->add_option("--seed", options.history.seed, "seed of the permutation test")
      ->check(SeedNumber());
  command
      ->add_option("--format", options.format,
                   "text, json (for paper/history), otava (CSV, a row a run) or otava-config")
      ->check(CLI::IsMember({"text", "json", "otava", "otava-config"}))
      ->default_val("text");
  command->add_option("--file", options.file, "name of the CSV file in an otava-config");
  command->add_flag_callback(
      "--json", [&options] { options.format = "json"; }, "the same as --format json");
  command->add_flag("--all", options.all, "a line for every series, not only for what changed");
  command->add_flag("--gate", options.as_gate,
                    "exit status 5 when the newest level of any series is worse than before");
  command->footer(
      "Examples:\n  blendbench history\n  blendbench history --metric 'boot.*' --json > "
      "history.json && paper/history history.json --out plots");
}

void DefineImport(CLI::App& app, ImportOptions& options) {
  CLI::App* command =
      app.add_subcommand("import", "results of fio or Google Benchmark as a run of ours");
  command->add_option("FILE", options.files, "JSON of fio or Google Benchmark, or ARM=FILE")
      ->required();
  command->add_option("--as", options.name, "name of the experiment")->required();
  command->add_option("--arm", options.arm, "the arm of files without ARM= (default: imported)");
  command->add_option("--reference", options.reference,
                      "the arm to compare with (default: the "
                      "first)");
  command->add_option("--run", options.run, "id of the run (default: time and name)");
  command->add_option("--out", options.runs_dir, "folder of the runs")->default_val(kDefaultRuns);
  command->add_flag("--json", options.json, "print the result as JSON");
  command->footer(
      "Each file is a block of its arm; of Google Benchmark each repetition is.\n"
      "Examples:\n  blendbench import --as disks before=a.json before=b.json after=c.json "
      "after=d.json\n"
      "  blendbench import run1.json run2.json --as micro --arm main");
}

}  // namespace

void DefineTracking(CLI::App& app, TrackingOptions& options) {
  DefineCompare(app, options);
  DefineBaseline(app, options);
  DefineHistory(app, options.history);
  DefineImport(app, options.import);
  options.gate.as_gate = true;
}

std::optional<int> DispatchTracking(const CLI::App& app, const TrackingOptions& options, Io& io) {
  const CLI::App* command = app.get_subcommands().front();
  const std::string name = command->get_name();
  if (name == "compare") return CompareCommand(options.compare, io);
  if (name == "gate") return CompareCommand(options.gate, io);
  if (name == "history") return HistoryCommand(options.history, io);
  if (name == "import") return ImportCommand(options.import, io);
  if (name != "baseline") return std::nullopt;
  const std::string what = command->get_subcommands().front()->get_name();
  if (what == "adopt") return AdoptBaselineCommand(options.adopt, io);
  if (what == "list") return ListBaselinesCommand(options.list_baselines, io);
  if (what == "show") return ShowBaselineCommand(options.show_baseline, io);
  return RemoveBaselineCommand(options.remove_baseline, io);
}

}  // namespace blendbench
