// SPDX-License-Identifier: MIT
// Workloads that are real programs: fs_mark, tar, dpkg, SQLite, a compiler. Each is a script in workloads/programs
// with the verbs prepare, run (which alone is timed) and check (which fails when the result is wrong). Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace blendbench {

// One of the programs is enough; the package has the first of them.
struct ProgramNeed {
  std::vector<std::string> any_of;
  std::string package;
};

struct Program {
  std::string id;
  std::string label;
  std::string script;       // file in workloads/programs
  bool cold = false;        // page and dentry caches are dropped before it; otherwise they are warm
  int rounds = 1;           // timed runs in one guest, whose median counts
  bool needs_data = false;  // lua.tar or package.deb
  bool guests_alone = false;            // on the host other cases stand for it (spec/host_case.h)
  std::vector<ProgramNeed> needs = {};  // besides what every Debian has
  double estimate_s = 1;                // of all its verbs, natively
  double emulated_estimate_s = 10;
};

const std::vector<Program>& Programs();
const Program* ProgramById(const std::string& id);  // null when there is none
std::vector<std::string> ProgramIds();
// Those that are cases of the host substrate as well; it has others for what the rest do.
std::vector<Program> HostPrograms();

std::string ProgramMetricId(const Program& program);  // program.<id>_s

// By file name, as they are in workloads/programs.
using ScriptTexts = std::map<std::string, std::string>;

}  // namespace blendbench
