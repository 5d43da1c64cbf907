// SPDX-License-Identifier: MIT
// Verifies an upper that nobody uses: what a crash left, and what its marks say that the layers do not bear out.
// Mending is limited to what loses no data, and to what the layers given can tell: blendctl(8) lists it.
// Thread-safety: one thread.
#pragma once

#include <string>
#include <vector>

#include "unionfs/inspect/look.h"

namespace blendfs::inspect {

struct Finding {
  std::string kind;    // one word, stable: programs may compare it
  std::string where;   // a path in the union, or "workdir:work/NAME", "workdir:index/NAME"
  std::string what;    // for people
  std::string mended;  // what was done about it; "" when nothing was
};

struct CheckReport {
  std::vector<Finding> findings;
  uint64_t objects = 0;           // of the upper, seen
  uint64_t origins = 0;           // that lead somewhere
  uint64_t dangling_origins = 0;  // that do not
  std::vector<std::string> notes;
};

// Whether the layers given are likely those the upper was made on: mending what depends on them is safe then.
inline bool LayersFit(const CheckReport& report) {
  return report.origins >= report.dangling_origins;
}

struct Mending {
  bool on = false;
  bool layers_fit = false;  // LayersFit of a check that mended nothing
};

// Needs an upper. An error is one of the look itself.
Result<CheckReport> Check(merge::Union& fs, const Mending& mending);

// --- parts, internal ---

// Whether origins can be followed at all: without handles nothing is said of any.
bool AnyHandles(const layer::Stack& stack);

class Checker {
 public:
  Checker(merge::Union& fs, const Mending& mending, CheckReport& report)
      : fs_(fs), state_(fs.state()), mending_(mending), report_(report) {}
  Status CheckWork();  // check_work.cc
  Status CheckTree();  // check_tree.cc

 private:
  struct Folder {  // a directory on the upper
    merge::Node& node;
    BorrowedFd upper;
    const std::string& path;
    bool lost = false;  // it, or one above it, has a redirect to nowhere: what it hid is not known
  };

  void Note(std::string kind, std::string where, std::string what, std::string mended = "") {
    report_.findings.push_back({kind, where, what, mended});
  }
  bool MendsByLayers() const { return mending_.on && mending_.layers_fit; }
  Status CheckLeftovers(BorrowedFd work);
  Status CheckIndex();
  Status CheckIndexEntry(const std::string& name);
  Status CheckFolder(const Folder& folder, std::vector<std::string>* folders);
  Result<bool> CheckWhiteout(const Folder& folder, const std::string& name,
                             const sys::FileStat& stat);
  Status CheckMarks(const Folder& folder, const std::string& name, const sys::FileStat& stat,
                    layer::Marks& marks);
  Status CheckOrigin(const Folder& folder, const std::string& name, const sys::FileStat& stat,
                     const layer::Marks& marks);
  Status CheckLookup(const Folder& folder, const std::string& name, const layer::Marks& marks);
  // Runs a change in a directory and puts the directory's times back. What it says is for Finding::mended; the
  // failure of a change is said there too, and ends nothing.
  template <typename Change>
  std::string Mend(BorrowedFd folder, const char* done, Change change);

  merge::Union& fs_;
  merge::State& state_;
  const Mending& mending_;
  CheckReport& report_;
};

template <typename Change>
std::string Checker::Mend(BorrowedFd folder, const char* done, Change change) {
  const auto before = state_.os.StatFd(folder);
  const Status changed = change();
  if (!changed) return std::string("not mended: ") + Reason(changed.error());
  if (before) {
    const timespec times[2] = {before->atime, before->mtime};
    (void)state_.os.SetTimesFd(folder, times);  // best effort: nothing depends on it
  }
  return done;
}

std::string ToText(const CheckReport& report);
std::string ToJson(const CheckReport& report);

}  // namespace blendfs::inspect
