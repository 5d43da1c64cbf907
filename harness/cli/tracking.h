// SPDX-License-Identifier: MIT
// The commands that look across runs (compare, gate, baseline, history) and import, with their
// options; app.cc adds and dispatches them by these two functions. Thread-safety: one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/cli/io.h"
#include "harness/gate/history.h"
#include "harness/gate/regression.h"

namespace CLI {
class App;
}

namespace blendbench {

struct CompareOptions {
  std::string baseline;   // a baseline's name, or a run
  std::string candidate;  // a run, or a baseline of one run
  std::string runs_dir;
  std::string baselines_dir;
  GateOptions gate;
  bool as_gate = false;  // the verdict is the exit status
  bool all = false;
  bool json = false;
  std::string markdown;  // file to append a summary to, "" for none
};

struct BaselineOptions {
  std::string name;
  std::vector<std::string> runs;
  std::string runs_dir;
  std::string baselines_dir;
  std::string note;
  bool replace = false;
  bool append = false;
  bool json = false;
};

struct HistoryCommandOptions {
  std::string runs_dir;
  std::string experiment;            // "" for all
  std::string format;                // "text", "json", "otava", "otava-config"
  std::string file = "history.csv";  // that an otava-config names
  int last = 0;                      // only the newest runs; 0 for all
  bool all = false;
  bool as_gate = false;
  HistoryOptions history;
};

struct ImportOptions {
  std::vector<std::string> files;  // FILE, or ARM=FILE
  std::string name;
  std::string arm;
  std::string reference;
  std::string run;
  std::string runs_dir;
  bool json = false;
};

struct TrackingOptions {
  CompareOptions compare, gate;
  BaselineOptions adopt, list_baselines, show_baseline, remove_baseline;
  HistoryCommandOptions history;
  ImportOptions import;
};

void DefineTracking(CLI::App& app, TrackingOptions& options);
// Carries out the command that was parsed; nullopt when it is none of these.
std::optional<int> DispatchTracking(const CLI::App& app, const TrackingOptions& options, Io& io);

int CompareCommand(const CompareOptions& options, Io& io);
int AdoptBaselineCommand(const BaselineOptions& options, Io& io);
int ListBaselinesCommand(const BaselineOptions& options, Io& io);
int ShowBaselineCommand(const BaselineOptions& options, Io& io);
int RemoveBaselineCommand(const BaselineOptions& options, Io& io);
int HistoryCommand(const HistoryCommandOptions& options, Io& io);
int ImportCommand(const ImportOptions& options, Io& io);

}  // namespace blendbench
