// SPDX-License-Identifier: MIT
#include "harness/spec/program.h"

#include <algorithm>
#include <iterator>

namespace blendbench {
namespace {

std::vector<Program> MakePrograms() {
  const ProgramNeed fs_mark{{"fs_mark"}, "fsmark"};
  const ProgramNeed sqlite{{"sqlite3"}, "sqlite3"};
  const ProgramNeed compiler{{"tcc", "cc"}, "tcc"};
  return {
      {.id = "fs-mark",
       .label = "400 files of 4 KiB, each synced (fs_mark)",
       .script = "fs-mark.sh",
       .needs = {fs_mark},
       .estimate_s = 3,
       .emulated_estimate_s = 6},
      {.id = "unpack",
       .label = "Lua's sources unpacked ten times, synced (tar)",
       .script = "unpack.sh",
       .needs_data = true,
       .estimate_s = 2,
       .emulated_estimate_s = 7},
      {.id = "remove",
       .label = "ten copies of Lua's sources removed (rm -r)",
       .script = "remove.sh",
       .needs_data = true,
       .guests_alone = true,
       .estimate_s = 2,
       .emulated_estimate_s = 6},
      {.id = "find-cold",
       .label = "find over /usr, cold",
       .script = "find.sh",
       .cold = true,
       .guests_alone = true,
       .estimate_s = 2,
       .emulated_estimate_s = 6},
      {.id = "find-warm",
       .label = "find over /usr, warm",
       .script = "find.sh",
       .rounds = 3,
       .guests_alone = true,
       .estimate_s = 1,
       .emulated_estimate_s = 4},
      {.id = "install",
       .label = "a package of 330 files installed (dpkg)",
       .script = "install.sh",
       .needs_data = true,
       .estimate_s = 3,
       .emulated_estimate_s = 9},
      {.id = "database",
       .label = "300 transactions, each synced (SQLite)",
       .script = "database.sh",
       .needs = {sqlite},
       .estimate_s = 5,
       .emulated_estimate_s = 9},
      {.id = "compile",
       .label = "Lua compiled and linked (tcc)",
       .script = "compile.sh",
       .needs_data = true,
       .needs = {compiler},
       .estimate_s = 1.5,
       .emulated_estimate_s = 8},
      {.id = "first-write",
       .label = "first write to a file of the system image, 64 MiB, synced",
       .script = "first-write.sh",
       .guests_alone = true,
       .estimate_s = 1.5,
       .emulated_estimate_s = 4},
      {.id = "first-chmod",
       .label = "chmod of a file of the system image, 13 MB",
       .script = "first-chmod.sh",
       .guests_alone = true,
       .estimate_s = 0.7,
       .emulated_estimate_s = 3},
      {.id = "copy-ups",
       .label = "a byte added to each of 300 files of the system image",
       .script = "copy-ups.sh",
       .guests_alone = true,
       .estimate_s = 1,
       .emulated_estimate_s = 5},
  };
}

}  // namespace

const std::vector<Program>& Programs() {
  static const std::vector<Program> kPrograms = MakePrograms();
  return kPrograms;
}

const Program* ProgramById(const std::string& id) {
  for (const Program& program : Programs())
    if (program.id == id) return &program;
  return nullptr;
}

std::vector<std::string> ProgramIds() {
  std::vector<std::string> ids;
  for (const Program& program : Programs()) ids.push_back(program.id);
  return ids;
}

std::vector<Program> HostPrograms() {
  std::vector<Program> cases;
  std::copy_if(Programs().begin(), Programs().end(), std::back_inserter(cases),
               [](const Program& program) { return !program.guests_alone; });
  return cases;
}

std::string ProgramMetricId(const Program& program) { return "program." + program.id + "_s"; }

}  // namespace blendbench
