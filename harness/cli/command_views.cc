// SPDX-License-Identifier: MIT
// export, show, verdict and list: looking at runs without changing them.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/opened_run.h"
#include "harness/export/calibration_report.h"
#include "harness/export/formats.h"
#include "harness/export/host_table.h"
#include "harness/export/record.h"
#include "harness/export/report.h"
#include "harness/export/tables.h"
#include "harness/export/timeline.h"
#include "harness/store/database.h"

namespace blendbench {
namespace {

using nlohmann::json;

std::string GeometricMean(const RunRecord& record, const std::string& arm,
                          const std::string& metric) {
  double sum = 0;
  int count = 0;
  for (const Sample& sample : record.samples) {
    const auto found = sample.metrics.find(metric);
    if (sample.arm != arm || found == sample.metrics.end() || found->second <= 0) continue;
    sum += std::log(found->second);
    ++count;
  }
  return count == 0 ? "-" : fmt::format("{:.3g}", std::exp(sum / count));
}

// Arms across, metrics down.
std::string MetricTable(const RunRecord& record) {
  const Experiment& experiment = record.plan.experiment;
  std::string text = fmt::format("{:<48}", "geometric means");
  for (const Arm& arm : experiment.arms) text += fmt::format(" {:>15}", arm.id);
  text += '\n';
  for (const Metric& metric : MetricsOf(experiment)) {
    text += fmt::format("{:<48}", fmt::format("{} [{}]", metric.label, metric.unit));
    for (const Arm& arm : experiment.arms) {
      text += fmt::format(" {:>15}", GeometricMean(record, arm.id, metric.id));
    }
    text += '\n';
  }
  return text;
}

std::string RunText(const OpenedRun& run, bool with_values) {
  const Environment& environment = run.record.environment;
  const auto pending = run.folder.PendingSteps().size();
  std::string text =
      fmt::format("{}\n  {}\n", run.record.id, run.record.plan.experiment.description);
  text += fmt::format("  {} of {} samples, {} failed; {}\n", run.record.samples.size(),
                      run.record.plan.steps.size(), run.analysis.failures.total,
                      pending == 0 ? "finished " + environment.finished
                                   : fmt::format("{} to go, --resume continues", pending));
  text += fmt::format("  substrate {} ({})\n",
                      environment.substrate.empty() ? "not chosen yet" : environment.substrate,
                      environment.substrate_reason);
  for (const Sample& sample : run.record.samples) {
    if (!sample.failure) continue;
    text += fmt::format("  failed: block {} {} in {}: {} ({})\n", sample.block, OneLine(sample.arm),
                        OneLine(sample.failure->phase), OneLine(sample.failure->reason),
                        (run.folder.dir() / sample.failure->console).string());
  }
  if (!with_values) return text + "  values are shown when it is finished, or with --peek\n";
  return text + '\n' +
         (OnHost(run.record.plan.experiment) ? HostTable(run.record, run.analysis)
                                             : MetricTable(run.record) + BootTimeline(run.record));
}

}  // namespace

int ExportCommand(const ExportOptions& options, Io& io) {
  if (options.choice.json && options.output.empty())
    return Complain(io, {ExitCode::kUsage,
                         "--json tells what was written where, so it needs --output FILE; "
                         "--format report is JSON by itself"});
  auto run = OpenRunToRead(options.choice);
  if (!run) return Complain(io, run.error());
  const std::vector<Warning> warnings = WarningsOf(*run);
  if (!options.choice.json) Warn(io, warnings);
  const std::string text = ExportAs(run->record, run->analysis, options.format);
  if (options.output.empty()) return WriteOut(io, text);
  if (auto written = WriteOutput(options.output, text); !written)
    return Complain(io, written.error());
  if (!options.choice.json) return Status(ExitCode::kOk);
  json answer = Answer("export", warnings);
  answer.update({{"run", run->record.id},
                 {"format", options.format},
                 {"output", options.output},
                 {"bytes", text.size()},
                 {"sha256", Sha256Hex(text)}});
  return Give(io, answer);
}

int ShowCommand(const RunChoice& options, Io& io) {
  auto run = OpenRunToRead(options);
  if (!run) return Complain(io, run.error());
  if (!options.json) {
    Warn(io, run->folder.warnings());
    Print(io, RunText(*run, !run->unfinished() || options.peek));
    return Status(ExitCode::kOk);
  }
  const json report = MakeReport(run->record, run->analysis);
  json answer = Answer("show", WarningsOf(*run));
  answer.update({{"run", report["run"]},
                 {"folder", run->folder.dir().string()},
                 {"arms", report["arms"]},
                 {"failures", report["failures"]},
                 {"samples", run->record.samples.size()},
                 {"planned", run->record.plan.steps.size()},
                 {"pending", run->folder.PendingSteps().size()}});
  return Give(io, answer);
}

int VerdictCommand(const RunChoice& options, Io& io) {
  auto run = OpenRunToRead(options);
  if (!run) return Complain(io, run.error());
  if (run->unfinished() && !options.peek) return Complain(io, HiddenVerdict(*run));
  if (!options.json) {
    Warn(io, WarningsOf(*run));
    Print(io, VerdictLines(run->analysis) + CalibrationLines(run->record.calibration) +
                  fmt::format("plan {}, claims {}: fixed before the first sample\n",
                              run->record.plan_sha256.substr(0, 12),
                              run->record.plan.claims_sha256.substr(0, 12)));
    return Status(ExitCode::kOk);
  }
  const json report = MakeReport(run->record, run->analysis);
  json answer = Answer("verdict", WarningsOf(*run));
  answer.update({{"run", run->record.id},
                 {"plan_sha256", run->record.plan_sha256},
                 {"claims_sha256", run->record.plan.claims_sha256},
                 {"claims", report["claims"]},
                 {"controls", report["controls"]},
                 {"noise", report["noise"]},
                 {"calibration", run->record.calibration}});
  return Give(io, answer);
}

int ListCommand(const RunChoice& options, Io& io) {
  auto database = Database::Open(options.runs_dir);
  if (!database) return Complain(io, database.error());
  if (auto synced = database->Rebuild(); !synced) return Complain(io, synced.error());
  auto runs = database->Runs();
  if (!runs) return Complain(io, runs.error());
  json list = json::array();
  std::string text;
  for (const RunSummary& run : *runs) {
    list.push_back({{"id", run.id},
                    {"name", run.name},
                    {"created", run.created},
                    {"finished", run.finished},
                    {"substrate", run.substrate},
                    {"samples", run.samples},
                    {"failed", run.failed},
                    {"planned", run.planned}});
    text += fmt::format("{:<40} {:>4} {:>4}/{} samples{}\n", run.id, run.substrate, run.samples,
                        run.planned, run.failed > 0 ? fmt::format(", {} failed", run.failed) : "");
  }
  if (options.json) {
    json answer = Answer("list", database->notes());
    answer["runs"] = std::move(list);
    return Give(io, answer);
  }
  Warn(io, database->notes());
  Print(io, text);
  return Status(ExitCode::kOk);
}

}  // namespace blendbench
