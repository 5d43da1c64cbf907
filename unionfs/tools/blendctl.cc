// SPDX-License-Identifier: MIT
// blendctl: looks at the layers of a union that is not mounted, and at one that is. Exit status: see kExit* and CtlUsage.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "unionfs/inspect/changes.h"
#include "unionfs/inspect/check.h"
#include "unionfs/inspect/explain.h"
#include "unionfs/inspect/flatten.h"
#include "unionfs/inspect/layer_tar.h"
#include "unionfs/inspect/live.h"
#include "unionfs/inspect/words.h"
#include "unionfs/sys/filesystem.h"
#include "unionfs/tools/ctl_options.h"
#include "unionfs/tools/daemon.h"

namespace {

namespace inspect = blendfs::inspect;
using blendfs::tools::CtlOptions;
using Command = CtlOptions::Command;
using UnionPtr = std::unique_ptr<blendfs::merge::Union>;

constexpr int kExitDone = 0;
constexpr int kExitFindings = 1;
constexpr int kExitUsage = 2;
constexpr int kExitCannotLook = 3;

void Say(const std::string& text) {
  fprintf(stderr, "blendctl: %s\n", inspect::Printable(text).c_str());
}

int CannotLook(const std::string& problem) {
  Say(problem);
  return kExitCannotLook;
}

int SayProblems(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) Say(problem);
  return problems.empty() ? kExitDone : kExitFindings;
}

void Print(const std::string& text) { fputs(text.c_str(), stdout); }

int Explain(const CtlOptions& options, blendfs::merge::Union& fs) {
  int exit_code = kExitDone;
  std::vector<std::string> objects;
  for (const std::string& path : options.operands) {
    const auto explanation = inspect::Explain(fs, path);
    if (!explanation) return CannotLook(path + ": " + inspect::Reason(explanation.error()));
    if (explanation->error != 0) exit_code = kExitFindings;
    if (options.json()) {
      objects.push_back(ToJson(fs.state().stack, *explanation));
    } else {
      Print(ToText(fs.state().stack, *explanation));
    }
  }
  if (options.json()) Print(inspect::JsonArray(objects) + "\n");
  return exit_code;
}

int Check(const CtlOptions& options, blendfs::merge::Union& fs) {
  if (fs.state().stack.in_use()) {
    return CannotLook("upperdir '" + options.stack.upper + "' or workdir '" + options.stack.work +
                      "' is in use by a mount: unmount that first");
  }
  auto report = inspect::Check(fs, {});
  if (report && options.repair) {
    report = inspect::Check(fs, {.on = true, .layers_fit = LayersFit(*report)});
  }
  if (!report) return CannotLook(inspect::Reason(report.error()));
  Print(options.json() ? ToJson(*report) + "\n" : ToText(*report));
  return report->findings.empty() ? kExitDone : kExitFindings;
}

class ListSink : public inspect::ChangeSink {
 public:
  explicit ListSink(bool json) : json_(json) {}
  blendfs::Status Take(const inspect::Change& change) override {
    if (change.kind == inspect::ChangeKind::kSame) return {};
    Print(json_ ? (any_ ? ",\n " : "[") + ToJson(change) : ToText(change));
    any_ = true;
    return {};
  }
  void Close() const {
    if (json_) Print(any_ ? "]\n" : "[]\n");
  }

 private:
  const bool json_;
  bool any_ = false;
};

blendfs::Status WriteOut(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno != EINTR) return blendfs::FailErrno("write the tar");
    if (wrote > 0) bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

int DiffToTar(const CtlOptions& options, blendfs::merge::Union& above,
              blendfs::merge::Union& below) {
  const bool to_file = options.tar != "-";
  blendfs::UniqueFd file;
  if (to_file) {
    file.reset(open(options.tar.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return CannotLook(options.tar + ": " + strerror(errno));
  }
  const int fd = to_file ? file.get() : STDOUT_FILENO;
  inspect::TarWriter tar([fd](std::string_view bytes) { return WriteOut(fd, bytes); });
  std::vector<std::string> problems;
  inspect::LayerTar sink(above, tar, &problems);
  blendfs::Status done = WalkChanges(above, below, inspect::Renames::kExpand, sink, &problems);
  if (done) done = tar.Close();
  if (done && to_file && fsync(fd) != 0 && errno != EINVAL && errno != EROFS) {
    done = blendfs::FailErrno("sync the tar");
  }
  if (done) return SayProblems(problems);
  SayProblems(problems);
  return CannotLook(options.tar + ": " + inspect::Reason(done.error()) + ": it is not whole");
}

int Diff(const CtlOptions& options, blendfs::merge::Union& fs) {
  blendfs::layer::StackConfig lowers = options.stack;
  lowers.upper.clear();
  lowers.work.clear();
  std::string problem;
  const auto below = inspect::OpenLook(blendfs::sys::Real(), lowers, &problem);
  if (!below) return CannotLook(problem);
  if (!options.tar.empty()) return DiffToTar(options, fs, **below);
  ListSink sink(options.json());
  std::vector<std::string> problems;
  const auto done = WalkChanges(fs, **below, inspect::Renames::kTell, sink, &problems);
  sink.Close();
  if (!done) return CannotLook(inspect::Reason(done.error()));
  return SayProblems(problems);
}

int Flatten(const CtlOptions& options, blendfs::merge::Union& fs) {
  const std::string& path = options.operands[0];
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return CannotLook(path + ": " + strerror(errno));
  }
  const auto target = blendfs::sys::OpenGiven(path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!target) return CannotLook(path + ": " + inspect::Reason(target.error()));
  std::string problem;
  const auto report = inspect::Flatten(fs, target->borrow(), path, &problem);
  if (!report) {
    return CannotLook(problem.empty() ? inspect::Reason(report.error()) : problem);
  }
  return SayProblems(report->problems);
}

int ShowFigures(const CtlOptions& options) {
  std::string problem;
  const auto figures = inspect::ReadFigures(blendfs::sys::Real(), options.mount_point, &problem);
  if (!figures) return CannotLook(problem);
  switch (options.form) {
    case CtlOptions::Form::kJson:
      Print(ToJson(options.mount_point, *figures) + "\n");
      break;
    case CtlOptions::Form::kPrometheus:
      Print(ToPrometheus(options.mount_point, *figures));
      break;
    case CtlOptions::Form::kText:
      Print(ToText(*figures));
  }
  return kExitDone;
}

int SetLogLevel(const CtlOptions& options) {
  std::string problem;
  const auto set = inspect::SetMountLogLevel(blendfs::sys::Real(), options.mount_point,
                                             options.log_level, &problem);
  return set ? kExitDone : CannotLook(problem);
}

int Run(const CtlOptions& options) {
  if (options.command == Command::kStat) return ShowFigures(options);
  if (options.command == Command::kLog) return SetLogLevel(options);
  blendfs::tools::RaiseFileLimit();
  blendfs::sys::InitThread();
  umask(0);
  std::string problem;
  const auto fs = inspect::OpenLook(blendfs::sys::Real(), options.stack, &problem);
  if (!fs) return CannotLook(problem);
  if ((*fs)->state().stack.in_use() && options.command != Command::kCheck) {
    Say("note: the upper is in use by a mount: what is shown may be changing");
  }
  switch (options.command) {
    case Command::kExplain:
      return Explain(options, **fs);
    case Command::kCheck:
      return Check(options, **fs);
    case Command::kDiff:
      return Diff(options, **fs);
    default:
      return Flatten(options, **fs);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = blendfs::tools::ParseCtlOptions({argv + (argc > 0 ? 1 : 0), argv + argc});
  if (!options) {
    Say(options.error());
    return kExitUsage;
  }
  int exit_code = kExitDone;
  if (options->command == Command::kHelp) {
    Print(blendfs::tools::CtlUsage());
  } else if (options->command == Command::kVersion) {
    puts("blendctl " BLENDFS_VERSION);
  } else {
    exit_code = Run(*options);
  }
  if (fflush(stdout) != 0 || ferror(stdout) != 0) return CannotLook("cannot write the answer");
  return exit_code;
}
