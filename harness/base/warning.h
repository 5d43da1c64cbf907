// SPDX-License-Identifier: MIT
// What a user should know although the command goes on: a typed value with its remedy, so that a person
// reads a line and a script reads members. Thread-safety: values.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace blendbench {

enum class WarningKind {
  kDamagedLine,         // a line of samples.jsonl is no sample
  kRepairedLine,        // likewise, and its step has been measured again
  kTornLine,            // the last line was not written to its end
  kDuplicateSample,     // a step has two samples
  kUnplannedSample,     // a sample of no step
  kForeignSample,       // a sample that names another plan than the run's
  kDatabaseRebuilt,     // blendbench.sqlite was damaged
  kDatabaseNotUsed,     // blendbench.sqlite cannot be brought up to date
  kUnreadableRun,       // a run's folder is left out
  kUnreadableBaseline,  // likewise a baseline
  kFailedSamples,       // a run that shall serve as a measure holds failures
  kNotImported,         // a part of an imported file that was not taken
  kImageChanged,        // a shared image is not what it was at the beginning
  kNotMeasured,         // an engine or a case of the experiment that this machine cannot serve
  kUnfinishedRun,       // what is shown is not the whole
  kNotVerified,         // a part of an archive that could not be checked here
  kUnderpowered,        // the design has little chance to decide a claim
  kUnknownNoise,        // nothing is known of the noise a design will meet
};

struct Warning {
  WarningKind kind = WarningKind::kUnreadableRun;
  std::string subject;  // what it is about: FILE:LINE, a run, an arm
  std::string text;     // what is the matter
  std::string remedy;   // what was done about it, or what to do; never empty
};

// "damaged-line" and so on; these words do not change.
const char* WarningName(WarningKind kind);

// "SUBJECT: TEXT; REMEDY", one line, fit for a terminal.
std::string LineOf(const Warning& warning);

nlohmann::json ToJson(const Warning& warning);
nlohmann::json ToJson(const std::vector<Warning>& warnings);

}  // namespace blendbench
