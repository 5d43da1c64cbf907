// SPDX-License-Identifier: MIT
// All that a machine needs for blocks of one plan, in a folder that is named by its digest:
//   BUNDLE.json            digest of every other file, of the guest images, and of what the plan was made of
//   plan.json spec.toml claims.toml
//   bin/blendbench bin/blendload bin/blendfs    lib/*    blendbench's libraries but the C library
//   workloads/fio/* workloads/programs/*        block.sh  what sbatch starts
//   images/*               those guest images that are needed, when they shall travel; else BUNDLE.json names their folder
// Thread-safety: values and functions without state.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "harness/base/exit_code.h"
#include "harness/guest/event_loop.h"
#include "harness/run/run.h"
#include "harness/store/run_folder.h"

namespace blendbench {

struct Bundle {
  std::filesystem::path folder;  // absolute
  std::string plan_sha256;
  std::map<std::string, std::string> files;  // path in the bundle -> sha256
  std::map<std::string, std::string>
      images;                           // name in the manifest -> sha256; empty where none are used
  std::filesystem::path images_folder;  // absolute; "" where none are used
  std::string git_commit;               // of the checkout it was made in
  bool git_dirty = false;

  std::string name() const { return folder.filename().string(); }
  // A file's digest; "" when it is not in the bundle.
  std::string DigestOf(const std::string& path) const;
};

struct BundleOrder {
  std::filesystem::path blendbench = "/proc/self/exe";
  RunConfig config;  // blendload, blendfs, jobs, programs, images, sources
  bool images_inside = false;
};

// Makes `parent`/bundle-DIGEST of an opened run, or finds it there. The same inputs give the same name. kEnvironment
// names what is missing.
Result<Bundle> MakeBundle(const RunFolder& run, const BundleOrder& order,
                          const std::filesystem::path& parent, const Interrupt& interrupt);

// Reads a bundle and the digest of every file in it but the images, which a block checks before it uses them.
// kEnvironment names the file that is missing or differs.
Result<Bundle> OpenBundle(const std::filesystem::path& folder);

}  // namespace blendbench
