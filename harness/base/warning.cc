// SPDX-License-Identifier: MIT
#include "harness/base/warning.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/base/text.h"

namespace blendbench {

const char* WarningName(WarningKind kind) {
  switch (kind) {
    case WarningKind::kDamagedLine:
      return "damaged-line";
    case WarningKind::kRepairedLine:
      return "repaired-line";
    case WarningKind::kTornLine:
      return "torn-line";
    case WarningKind::kDuplicateSample:
      return "duplicate-sample";
    case WarningKind::kUnplannedSample:
      return "unplanned-sample";
    case WarningKind::kForeignSample:
      return "foreign-sample";
    case WarningKind::kDatabaseRebuilt:
      return "database-rebuilt";
    case WarningKind::kDatabaseNotUsed:
      return "database-not-used";
    case WarningKind::kUnreadableBaseline:
      return "unreadable-baseline";
    case WarningKind::kFailedSamples:
      return "failed-samples";
    case WarningKind::kNotImported:
      return "not-imported";
    case WarningKind::kImageChanged:
      return "image-changed";
    case WarningKind::kNotMeasured:
      return "not-measured";
    case WarningKind::kUnfinishedRun:
      return "unfinished-run";
    case WarningKind::kNotVerified:
      return "not-verified";
    case WarningKind::kUnderpowered:
      return "underpowered";
    case WarningKind::kUnknownNoise:
      return "unknown-noise";
    case WarningKind::kUnreadableRun:
      break;
  }
  return "unreadable-run";
}

std::string LineOf(const Warning& warning) {
  return OneLine(fmt::format("{}: {}; {}", warning.subject, warning.text, warning.remedy));
}

nlohmann::json ToJson(const Warning& warning) {
  return {{"kind", WarningName(warning.kind)},
          {"subject", warning.subject},
          {"text", warning.text},
          {"remedy", warning.remedy}};
}

nlohmann::json ToJson(const std::vector<Warning>& warnings) {
  nlohmann::json list = nlohmann::json::array();
  for (const Warning& warning : warnings) list.push_back(ToJson(warning));
  return list;
}

}  // namespace blendbench
