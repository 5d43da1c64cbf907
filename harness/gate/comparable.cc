// SPDX-License-Identifier: MIT
#include "harness/gate/comparable.h"

#include <fmt/format.h>

#include <algorithm>

namespace blendbench {
namespace {

using nlohmann::json;

// Facts of the machine that decide how fast it is, and those that only may.
constexpr const char* kMachine[] = {"cpu", "cores"};
constexpr const char* kSystem[] = {"kernel",   "memory_mib", "qemu",        "governor",
                                   "no_turbo", "boost",      "halt_poll_ns"};

std::string Fact(const TrackedRun& run, const char* name) {
  const auto found = run.host.is_object() ? run.host.find(name) : run.host.end();
  if (!run.host.is_object() || found == run.host.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

void Add(std::vector<std::string>& list, std::string line) {
  if (std::find(list.begin(), list.end(), line) == list.end()) list.push_back(std::move(line));
}

// A fact that one side did not record is no difference.
void CompareFact(const TrackedRun& before, const TrackedRun& after, const char* name,
                 std::vector<std::string>& list) {
  const std::string old = Fact(before, name), now = Fact(after, name);
  if (old.empty() || now.empty() || old == now) return;
  Add(list, fmt::format("{} differs: {} in {}, {} in {}", name, old, before.id, now, after.id));
}

void CompareArm(const Arm& before, const Arm& after, Comparability& told) {
  if (before.layout != after.layout || before.engine != after.engine) {
    Add(told.notes,
        fmt::format("arm {}: {} {} before, {} {} now", after.id, LayoutName(before.layout),
                    before.engine, LayoutName(after.layout), after.engine));
  }
  if (before.engine_options != after.engine_options) {
    Add(told.notes, fmt::format("arm {}: options were \"{}\", now \"{}\"", after.id,
                                before.engine_options, after.engine_options));
  }
}

void CompareOne(const TrackedRun& before, const TrackedRun& after, Comparability& told) {
  if (before.substrate != after.substrate) {
    Add(told.obstacles,
        fmt::format("substrate differs: {} in {}, {} in {}",
                    before.substrate.empty() ? "unknown" : before.substrate, before.id,
                    after.substrate.empty() ? "unknown" : after.substrate, after.id));
  }
  const std::string reference = ReferenceArm(before.experiment);
  if (reference != ReferenceArm(after.experiment)) {
    Add(told.obstacles, fmt::format("reference differs: {} in {}, {} in {}", reference, before.id,
                                    ReferenceArm(after.experiment), after.id));
  }
  for (const char* name : kMachine) CompareFact(before, after, name, told.obstacles);
  for (const char* name : kSystem) CompareFact(before, after, name, told.notes);
  for (const Arm& arm : after.experiment.arms) {
    for (const Arm& old : before.experiment.arms)
      if (old.id == arm.id) CompareArm(old, arm, told);
  }
}

}  // namespace

Comparability Comparable(const std::vector<TrackedRun>& baseline, const TrackedRun& candidate) {
  Comparability told;
  for (const TrackedRun& run : baseline) CompareOne(run, candidate, told);
  if (baseline.size() == 1)
    told.notes.push_back(
        "one run in the baseline: how much runs differ by themselves is not known, so flags may "
        "come from that; three runs or more tell");
  return told;
}

}  // namespace blendbench
