// SPDX-License-Identifier: MIT
// The machine as a level of the analysis. A comparison pairs samples of one block and so of one machine; what is said
// here is which machines a verdict rests on, and whether they agree. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/gate/compare.h"

namespace blendbench {

struct MachineShare {
  std::string machine;  // its fingerprint
  std::string name;
  std::vector<int> blocks;  // in order
  nlohmann::json facts;     // cpu, cores, kernel, memory_mib, as far as they were recorded
};

// By their first blocks. Samples that tell no machine are of none.
std::vector<MachineShare> MachinesOf(const std::vector<Sample>& samples);

struct MachineRatio {
  std::string name;
  int n = 0;             // pairs
  double log_ratio = 0;  // their mean
};

// One comparison, machine by machine.
struct AcrossMachines {
  std::string metric;
  std::vector<MachineRatio> machines;  // those with a pair
  double p_differ =
      0;  // "one mean on all of them", after Holm over the comparisons; NaN where it cannot be told
};

std::vector<AcrossMachines> CompareMachines(const std::vector<Comparison>& comparisons,
                                            const std::vector<MachineShare>& machines);

// What a verdict that rests on several machines has to say of them, a line each: which blocks each did, in what they
// differ, and where their ratios do. Nothing for one machine.
std::vector<std::string> MachineNotes(const std::vector<AcrossMachines>& across,
                                      const std::vector<MachineShare>& machines);

}  // namespace blendbench
