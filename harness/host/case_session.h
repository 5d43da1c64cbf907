// SPDX-License-Identifier: MIT
// All cases of one arm in one block, over a fresh copy of the template image. Every case gets a fresh
// upper and a mount of its own, so that none finds what another left but in the arm "plain", where
// cases keep apart by working in different places. For use inside RunIsolated alone.
//
// Messages said: {"phase": TEXT}; {"case": ID, "seconds", "cpu_s", "bytes", "raw": {...}};
// {"case": ID, "skipped": REASON}; {"case": ID, "failed": REASON}; {"type": TEXT} once, the mount's
// type. Thread-safety: one thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/host/engine_mount.h"
#include "harness/host/isolated.h"
#include "harness/spec/handicap.h"
#include "harness/spec/host_case.h"

namespace blendbench {

struct CaseOrder {
  EngineDescriptor engine;  // with the path of its program
  std::string options;      // of the arm
  Handicap handicap;        // likewise
  std::vector<HostCase> cases;
  std::map<std::string, std::string> skips;  // case -> why, known beforehand
  std::filesystem::path folder;              // of this arm alone; may be filled with files
  std::filesystem::path image;               // the copy of the template, in `folder`
  std::filesystem::path blendload;
  std::filesystem::path nspawn;
  std::map<std::string, std::filesystem::path> guest_images;  // system, app, user, monolithic
  std::filesystem::path
      workloads;  // the programs' scripts, and lua.tar and package.deb beside them
  double case_timeout_s = 120;
  int boots = 3;
};

// An error means that no case could be run; a case's own failure is a message.
Outcome<void> RunCases(const CaseOrder& order, const Say& say);

}  // namespace blendbench
