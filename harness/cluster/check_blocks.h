// SPDX-License-Identifier: MIT
// Whether a block that came from another machine is this run's: what it must prove before a sample of it enters. Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/block_results.h"
#include "harness/cluster/bundle.h"

namespace blendbench {

// What the run's blocks have in common. The first block that is accepted says it, where it is still empty.
struct RunFacts {
  std::string plan_sha256;
  std::string spec_sha256;
  std::string blendbench_sha256;
  std::string blendload_sha256;
  std::map<std::string, std::string> images;  // the bundle's
  std::string substrate;                      // "" as long as no block is known
  std::map<std::string, std::string> used;    // the images that its samples name
};

RunFacts FactsOf(const RunFolder& run, const Bundle& bundle);

// Every reason why the block may not enter, a line each; none when it may. It is whole:
//   its plan is the run's; every sample is of its block, stands where the plan has its step, and is there once;
//   each sample names the run's plan, spec and images, the bundle's programs and the run's substrate;
//   all of them were measured by one machine, which they name.
std::vector<std::string> Refusals(const BlockResult& result, const Plan& plan,
                                  const RunFacts& facts);

// The facts with what an accepted block adds.
void Learn(const BlockResult& result, RunFacts& facts);

}  // namespace blendbench
