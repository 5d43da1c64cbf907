// SPDX-License-Identifier: MIT
// What a guest works at when its instructions are counted: fixed amounts of work, because jobs that run for a
// time would run for ever in virtual time. Pure.
#pragma once

#include <string>
#include <vector>

namespace blendbench {

struct GuestLoad {
  std::string id;
  std::string label;
  std::string script;  // for /bin/sh, in an empty folder on the root; leaves it empty
};

const std::vector<GuestLoad>& GuestLoads();

std::string LoadMetricId(const GuestLoad& load);  // load.<id>_minsn: millions of instructions

}  // namespace blendbench
