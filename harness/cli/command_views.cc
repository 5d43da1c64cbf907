// SPDX-License-Identifier: MIT
// export, show, verdict and list: looking at runs without changing them.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <ostream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/places.h"
#include "harness/export/calibration_report.h"
#include "harness/export/formats.h"
#include "harness/export/host_table.h"
#include "harness/export/record.h"
#include "harness/export/report.h"
#include "harness/export/tables.h"
#include "harness/export/timeline.h"
#include "harness/store/database.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

using nlohmann::json;

struct Opened {
  RunFolder folder;
  RunRecord record;
  Analysis analysis;
};

Result<Opened> Open(const RunChoice& choice, Io& io) {
  auto dir = FindRun(choice.run, choice.runs_dir);
  if (!dir) return tl::unexpected(dir.error());
  auto folder = RunFolder::OpenForReading(*dir);
  if (!folder) return tl::unexpected(folder.error());
  for (const std::string& warning : folder->warnings()) io.err << warning << '\n';
  RunRecord record = RecordOf(*folder);
  auto analysis = Analyse(record);
  if (!analysis) return tl::unexpected(analysis.error());
  return Opened{std::move(*folder), std::move(record), std::move(*analysis)};
}

std::string Dump(const json& object) {
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

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

void PrintRun(const Opened& run, Io& io) {
  const Environment& environment = run.record.environment;
  const auto pending = run.folder.PendingSteps().size();
  io.out << fmt::format("{}\n  {}\n", run.record.id, run.record.plan.experiment.description);
  io.out << fmt::format("  {} of {} samples, {} failed; {}\n", run.record.samples.size(),
                        run.record.plan.steps.size(), run.analysis.failures.total,
                        pending == 0 ? "finished " + environment.finished
                                     : fmt::format("{} to go, --resume continues", pending));
  io.out << fmt::format("  substrate {} ({})\n",
                        environment.substrate.empty() ? "not chosen yet" : environment.substrate,
                        environment.substrate_reason);
  for (const Sample& sample : run.record.samples) {
    if (!sample.failure) continue;
    io.out << fmt::format("  failed: block {} {} in {}: {} ({})\n", sample.block, sample.arm,
                          sample.failure->phase, sample.failure->reason,
                          (run.folder.dir() / sample.failure->console).string());
  }
  if (OnHost(run.record.plan.experiment)) {
    io.out << '\n' << HostTable(run.record, run.analysis);
  } else {
    io.out << '\n' << MetricTable(run.record) << BootTimeline(run.record);
  }
}

}  // namespace

int ExportCommand(const ExportOptions& options, Io& io) {
  auto run = Open(options.choice, io);
  if (!run) return Complain(io, run.error());
  const std::string text = ExportAs(run->record, run->analysis, options.format);
  if (options.output.empty()) {
    io.out << text;
    io.out.flush();
    if (io.out) return Status(ExitCode::kOk);
    return Complain(io,
                    {ExitCode::kEnvironment, "cannot write to standard output; use --output FILE"});
  }
  auto written = WriteFileAtomic(options.output, text);
  return written ? Status(ExitCode::kOk) : Complain(io, written.error());
}

int ShowCommand(const RunChoice& options, Io& io) {
  auto run = Open(options, io);
  if (!run) return Complain(io, run.error());
  if (options.json) {
    const json report = MakeReport(run->record, run->analysis);
    io.out << Dump({{"run", report["run"]},
                    {"arms", report["arms"]},
                    {"failures", report["failures"]},
                    {"pending", run->folder.PendingSteps().size()}});
  } else {
    PrintRun(*run, io);
  }
  return Status(ExitCode::kOk);
}

int VerdictCommand(const RunChoice& options, Io& io) {
  auto run = Open(options, io);
  if (!run) return Complain(io, run.error());
  if (options.json) {
    const json report = MakeReport(run->record, run->analysis);
    io.out << Dump({{"run", run->record.id},
                    {"plan_sha256", run->record.plan_sha256},
                    {"claims_sha256", run->record.plan.claims_sha256},
                    {"claims", report["claims"]},
                    {"controls", report["controls"]},
                    {"noise", report["noise"]},
                    {"calibration", run->record.calibration}});
  } else {
    io.out << VerdictLines(run->analysis) << CalibrationLines(run->record.calibration)
           << fmt::format("plan {}, claims {}: fixed before the first sample\n",
                          run->record.plan_sha256.substr(0, 12),
                          run->record.plan.claims_sha256.substr(0, 12));
  }
  return Status(ExitCode::kOk);
}

int ListCommand(const RunChoice& options, Io& io) {
  auto database = Database::Open(options.runs_dir);
  if (!database) return Complain(io, database.error());
  if (auto synced = database->Rebuild(); !synced) return Complain(io, synced.error());
  for (const std::string& note : database->notes()) io.err << note << '\n';
  auto runs = database->Runs();
  if (!runs) return Complain(io, runs.error());
  json list = json::array();
  for (const RunSummary& run : *runs) {
    list.push_back({{"id", run.id},
                    {"name", run.name},
                    {"created", run.created},
                    {"finished", run.finished},
                    {"substrate", run.substrate},
                    {"samples", run.samples},
                    {"failed", run.failed},
                    {"planned", run.planned}});
    if (options.json) continue;
    io.out << fmt::format("{:<40} {:>4} {:>4}/{} samples{}\n", run.id, run.substrate, run.samples,
                          run.planned,
                          run.failed > 0 ? fmt::format(", {} failed", run.failed) : "");
  }
  if (options.json) io.out << Dump(list);
  return Status(ExitCode::kOk);
}

}  // namespace blendbench
