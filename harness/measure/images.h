// SPDX-License-Identifier: MIT
// The guest images a run uses, as their manifest describes them, checked before anything boots.
// Thread-safety: values. Errors are kEnvironment with the remedy (build the images again).
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "harness/base/exit_code.h"
#include "harness/spec/experiment.h"

namespace blendbench {

struct Image {
  std::filesystem::path path;  // absolute
  std::string sha256;          // as the manifest says
  uint64_t bytes = 0;
  uint64_t slice_bytes = 0;  // of one part, in a file of several images of equal size; else 0
  // Which file it was when it was looked at: device, inode and time of the last change of content.
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t modified_ns = 0;

  int slices() const { return slice_bytes == 0 ? 0 : static_cast<int>(bytes / slice_bytes); }
};

struct ImageSet {
  std::filesystem::path folder;
  std::map<std::string, Image> files;  // "system", "system_next", "app", "user", "monolithic", ...;
                                       // "workloads" where the manifest has it
  std::string kernel_version;
  nlohmann::json manifest;

  const Image& at(const std::string& name) const { return files.at(name); }
};

// Reads folder/manifest.json: every file that it names must be there with the size it says, and it must name a kernel and
// an initramfs. TakeImages asks for what else an experiment needs.
Result<ImageSet> LoadImages(const std::filesystem::path& folder);

// Leaves those of these names.
void KeepImages(ImageSet& images, const std::set<std::string>& names);

// Leaves what the experiment's guests need. An error names what the images lack.
Result<void> TakeImages(ImageSet& images, const Experiment& experiment);

// The digests of all files as they are now. `going_on` is asked between files; when it says no, the
// call ends with kInterrupted.
Result<std::map<std::string, std::string>> DigestImages(const ImageSet& images,
                                                        const std::function<bool()>& going_on);

// Cheap: whether the files are still those that LoadImages saw. Somebody who builds images into the
// folder of a run would otherwise mix two sets in it.
Result<void> CheckUnchanged(const ImageSet& images);

// Compares with the manifest; the error names the file that differs.
Result<void> CheckDigests(const ImageSet& images,
                          const std::map<std::string, std::string>& digests);

}  // namespace blendbench
