// SPDX-License-Identifier: MIT
// The table of an experiment on the host: cases down, arms across, each cell the arm's speed relative to
// the reference (above 1 is faster), and the processor time the same way round as people speak of it
// (above 1 is more). Pure; thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "harness/export/record.h"

namespace blendbench {

// Why an arm has no number for a case, as its samples tell.
struct CaseTold {
  std::map<std::string, std::string> skipped;  // case -> reason
  std::map<std::string, std::string> failed;   // case -> the first reason
};
CaseTold CasesTold(const RunRecord& record, const std::string& arm);

// Medians and 90 % intervals over blocks; absolute values (medians) of the reference. Why a cell is
// empty stands below. "" for an experiment with guests.
std::string HostTable(const RunRecord& record, const Analysis& analysis);

// The middle value; nullopt when there is none.
std::optional<double> Median(std::vector<double> values);

}  // namespace blendbench
