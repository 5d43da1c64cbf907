// SPDX-License-Identifier: MIT
// What the blending scheme promises, as seen in the guests: counted per check and arm, with what
// each layout is expected to give. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/base/sample.h"
#include "harness/spec/experiment.h"

namespace blendbench {

// Made on the host: in fine layouts, no guest wrote to a disk of a shared image, and after the run
// the digests of the images are those from before.
inline constexpr const char* kSharedImagesUntouched = "shared-images-untouched";

struct Tally {
  int held = 0;
  int of = 0;
  bool expected = true;      // what this layout should give
  std::string first_broken;  // detail of the first time it did not hold
};

struct CheckTally {
  std::string check;
  std::string label;
  std::map<std::string, Tally> arms;  // arms in which it was made
};

// How digests before and after a run compare, by image; an image missing on either side is left
// out.
using ImagesUnchanged = std::map<std::string, bool>;

// Overrides first; unknown checks last by name.
std::vector<CheckTally> TallyPromises(const Experiment& experiment,
                                      const std::vector<Sample>& samples,
                                      const ImagesUnchanged& images);

// Whether `layout` should give `check`; in coarse, the user's image is a data disk, so its system
// files do not count, and in block a newer system image is another file system than the user's changes are of.
bool Expected(const std::string& check, Layout layout);

}  // namespace blendbench
