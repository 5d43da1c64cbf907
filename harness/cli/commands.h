// SPDX-License-Identifier: MIT
// blendbench's commands with their options as plain values; app.cc makes them of the arguments.
// Each returns the process's exit status (base/exit_code.h). Thread-safety: one thread.
#pragma once

#include <optional>
#include <string>

#include "harness/cli/io.h"
#include "harness/cluster/config.h"

namespace CLI {
class App;
}

namespace blendbench {

// Where runs and baselines are kept, below the folder that one is in.
inline constexpr const char* kDefaultRuns = "results/runs";
inline constexpr const char* kDefaultBaselines = "results/baselines";

struct SpecOptions {
  std::string spec;
  std::string claims;  // "" for the checkout's paper/claims.toml; on the host, for none
  std::optional<int> blocks;
  std::optional<uint64_t> seed;
  std::string substrate;  // "" for the spec's
  bool json = false;
};

struct RunOptions {
  SpecOptions spec;
  std::string images;  // "" on the host: those in the cache, if there are any
  std::string jobs;    // "" for the checkout's workloads/fio
  std::string runs_dir;
  std::string run;  // "" for a name made of the time and the experiment
  std::string qemu;
  std::string blendload;  // "" for the one built beside, else on PATH
  std::string blendfs;    // likewise
  bool resume = false;
  bool keep_failed = false;
  bool tune = false;
  bool diagnose = false;
  ClusterConfig cluster;  // where its blocks are carried out
};

struct CalibrateOptions {
  RunOptions run;    // its spec: a profile with handicapped arms
  std::string from;  // a run that is finished, to be derived again; "" measures one
  int window = 8;    // blocks of one judged experiment
  double margin = 0.05;
};

struct RunChoice {
  std::string run;
  std::string runs_dir;
  bool json = false;
  bool peek = false;  // show verdicts and values of a run that is not finished
};

struct PlanOptions {
  SpecOptions spec;
  std::string runs_dir;
  std::string noise_run;             // measured noise: a run's id; "" for the newest alike
  std::optional<double> sd_percent;  // stated noise instead
};

struct ExplainOptions {
  RunChoice choice;
  std::string claim;   // either this
  std::string metric;  // or these two
  std::string arm;
};

struct CompletionOptions {
  std::string shell;       // "bash", "zsh", "fish", or
  std::string candidates;  // a kind of them (completion.h): one a line, for the shells' scripts
  std::string runs_dir;
  std::string baselines_dir;
  std::string run;  // whose claims
  bool json = false;
};

struct ReportOptions {
  RunChoice choice;
  std::string folder;  // "" for reports/RUN
};

struct ArchiveOptions {
  RunChoice choice;
  std::string output;    // "" for RUN.tar.gz
  bool no_page = false;  // without report.html, where Python or matplotlib is missing
};

struct VerifyOptions {
  std::string archive;
  bool json = false;
};

struct ExportOptions {
  RunChoice choice;
  std::string format;  // one of export/formats.h
  std::string output;  // "" for standard output
};

struct DoctorOptions {
  std::string images;  // "" leaves out the proof of KVM
  std::string runs_dir;
  std::string qemu;
  std::string blendfs;   // "" for the one built beside
  bool restore = false;  // put back what a killed --tune left, and nothing else
  bool json = false;
};

int RunCommand(const RunOptions& options, Io& io);
int CalibrateCommand(const CalibrateOptions& options, Io& io);
int PlanCommand(const PlanOptions& options, Io& io);
int ExportCommand(const ExportOptions& options, Io& io);
int ShowCommand(const RunChoice& options, Io& io);
int VerdictCommand(const RunChoice& options, Io& io);
int ListCommand(const RunChoice& options, Io& io);  // `run` is not used
int DoctorCommand(const DoctorOptions& options, Io& io);
int ExplainCommand(const ExplainOptions& options, Io& io);
int ReportCommand(const ReportOptions& options, Io& io);
int ArchiveCommand(const ArchiveOptions& options, Io& io);
int VerifyCommand(const VerifyOptions& options, Io& io);
// `app` is the whole command line, which the scripts are made from.
int CompletionCommand(const CLI::App& app, const CompletionOptions& options, Io& io);

}  // namespace blendbench
