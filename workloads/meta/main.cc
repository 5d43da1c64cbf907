// SPDX-License-Identifier: MIT
// blendload: one workload over a mounted file system, timed and checked.
// Exit status: 0 the line on standard output is a measurement; 1 the workload failed or its result was
// wrong; 2 wrong arguments.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "workloads/meta/cases.h"
#include "workloads/meta/system.h"
#include "workloads/meta/trees.h"

namespace {

constexpr int kExitUsage = 2;
constexpr const char* kUsage = R"(Usage: blendload CASE DIR [--daemons PID,...]
       blendload prepare DIR DATA...
       blendload walk DIR
       blendload --list

Runs a workload over the file system mounted at DIR and prints one line of JSON: seconds (the median
round's), rounds, count, bytes, caller_cpu_s and daemon_cpu_s (processor time of the PIDs meanwhile).
A wrong result is a failure, however fast. `prepare` makes what cases work on, `walk` brings a tree
into the caches.
)";

int Usage(const std::string& problem) {
  fprintf(stderr, "blendload: %s; see blendload --help\n", problem.c_str());
  return kExitUsage;
}

blendload::Cases AllCases() {
  blendload::Cases cases;
  blendload::AddWalkCases(cases);
  blendload::AddDataCases(cases);
  blendload::AddNameCases(cases);
  blendload::AddLowerCases(cases);
  blendload::AddUntarCase(cases);
  blendload::AddLayerCases(cases);
  return cases;
}

bool ParsePids(const char* text, std::vector<pid_t>& pids) {
  while (*text != '\0') {
    char* end = nullptr;
    const long pid = strtol(text, &end, 10);
    if (end == text || pid <= 0 || (*end != ',' && *end != '\0')) return false;
    pids.push_back(static_cast<pid_t>(pid));
    text = *end == ',' ? end + 1 : end;
  }
  return !pids.empty();
}

// "layers33-find": the case "layers-find" with 33 layers. Others stay as they are.
std::string SplitLayers(const std::string& name, int& layers) {
  static const std::string kWord = "layers";
  if (name.rfind(kWord, 0) != 0) return name;
  char* end = nullptr;
  const long number = strtol(name.c_str() + kWord.size(), &end, 10);
  if (end == name.c_str() + kWord.size() || number < 1 || number > 1000) return name;
  layers = static_cast<int>(number);
  return kWord + end;
}

int RunCase(int argc, char** argv) {
  blendload::Where where;
  where.name = argv[1];
  const blendload::Cases cases = AllCases();
  const auto found = cases.find(SplitLayers(where.name, where.layers));
  if (found == cases.end() || (where.layers == 0 && found->first.rfind("layers", 0) == 0))
    return Usage("unknown case '" + where.name + "'");
  if (argc < 3) return Usage("the directory is missing");
  where.root = argv[2];
  if (argc == 5 && strcmp(argv[3], "--daemons") == 0) {
    if (!ParsePids(argv[4], where.daemons)) return Usage("--daemons: not a list of processes");
  } else if (argc != 3) {
    return Usage("too many arguments");
  }
  puts(blendload::ToJsonLine(where.name, found->second(where)).c_str());
  return fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "--help" || command == "-h") {
    fputs(kUsage, stdout);
    return 0;
  }
  if (command.empty()) return Usage("the case is missing");
  if (command == "--list") {
    for (const auto& [name, run] : AllCases()) puts(name.c_str());
    return 0;
  }
  if (command == "prepare") {
    if (argc < 4) return Usage("prepare needs a directory and what to make");
    for (int i = 3; i < argc; ++i) blendload::Prepare(argv[i], argv[2]);
    return 0;
  }
  if (command == "walk") {
    if (argc != 3) return Usage("walk needs one directory");
    blendload::Walk(argv[2]);
    return 0;
  }
  return RunCase(argc, argv);
}
