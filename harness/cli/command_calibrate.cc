// SPDX-License-Identifier: MIT
// calibrate: an experiment with arms that are slowed by known amounts, carried out like any run, and what it says of
// the harness on this machine.
#include <fmt/format.h>

#include <sstream>

#include "harness/cli/commands.h"
#include "harness/cli/places.h"
#include "harness/export/calibration_report.h"
#include "harness/export/record.h"
#include "harness/store/calibration_file.h"
#include "harness/store/run_folder.h"

namespace blendbench {
namespace {

using nlohmann::json;

// The run's own last words are about claims, which a calibration has none of: they stay out.
int Measure(const CalibrateOptions& options, const std::string& id, Io& io) {
  RunOptions run = options.run;
  run.run = id;
  if (run.spec.spec.empty()) run.spec.spec = "calibrate-host";
  run.resume = true;  // an unfinished calibration of this name goes on
  std::ostringstream unused;
  Io quiet{unused, io.err, io.terminal, io.colours};
  return RunCommand(run, quiet);
}

Result<json> Derive(const std::string& run_name, const CalibrateOptions& options,
                    std::vector<Warning>& warnings) {
  auto dir = FindRun(run_name, options.run.runs_dir);
  if (!dir) return tl::unexpected(dir.error());
  auto folder = RunFolder::OpenForReading(*dir);
  if (!folder) return tl::unexpected(folder.error());
  warnings = folder->warnings();
  const RunRecord record = RecordOf(*folder);
  const Calibration calibration =
      Calibrate(record.plan.experiment, record.samples, options.window, options.margin);
  if (calibration.rows.empty() && calibration.false_alarms.of == 0)
    return Fail(
        ExitCode::kUsage,
        fmt::format("{}: {} blocks make no experiment of {}; measure more blocks, or give a "
                    "smaller --window (at least {})",
                    run_name, calibration.blocks, options.window, stats::kLeastForSignedRank));
  return CalibrationJson(record, calibration);
}

}  // namespace

int CalibrateCommand(const CalibrateOptions& options, Io& io) {
  std::string id = options.from;
  if (id.empty()) {
    id = options.run.run;
    if (id.empty()) id = NewRunId(options.run.runs_dir, "calibration");
    const int status = Measure(options, id, io);
    // Failed samples are the run's to tell; what the others say still stands.
    if (status != Status(ExitCode::kOk) && status != Status(ExitCode::kFailedSamples))
      return status;
  }
  std::vector<Warning> warnings;
  auto document = Derive(id, options, warnings);
  if (!document) return Complain(io, document.error());
  if (auto written = WriteCalibration(options.run.runs_dir, *document); !written)
    return Complain(io, written.error());
  if (!options.run.spec.json) {
    Warn(io, warnings);
    Print(io, CalibrationTable(*document));
    return Status(ExitCode::kOk);
  }
  json answer = Answer("calibrate", warnings);
  answer.update(*document);
  return Give(io, answer);
}

}  // namespace blendbench
