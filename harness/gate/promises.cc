// SPDX-License-Identifier: MIT
#include "harness/gate/promises.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace blendbench {
namespace {

struct KnownCheck {
  const char* check;
  const char* label;
  bool coarse;  // expected of the coarse layout
};

constexpr const char* kUpgradeKeepsChanges = "upgrade-keeps-changes";

constexpr std::array<KnownCheck, 14> kKnown = {{
    {"override-config", "the user image's configuration wins over the system's", false},
    {"override-program", "the user image's program replaces the system's", false},
    {"deletion", "a system file the user deleted stays deleted", false},
    {"override-by-app", "the application's file replaces the system's", false},
    {"user-over-app", "the user's file wins over the application's", false},
    {"deletion-of-app", "a file of the application that the user deleted stays deleted", false},
    {"app-in-place", "the application's files stand where the system expects them", false},
    {"user-home", "the user's home directory is there", true},
    {"write-system-path", "a system path can be written", true},
    {"system-release", "the system image's release can be told", true},
    {"file-system", "the file system the user writes to is sound", true},
    {kUpgradeKeepsChanges, "a newer system image keeps the user's changes", false},
    {"isolation", "what one guest writes no other sees", true},
    {kSharedImagesUntouched, "writes leave the shared images untouched", true},
}};

bool IsAfterUpgrade(std::string_view check) { return check.starts_with(kAfterUpgrade); }

// The known check that it is, or that it repeats; null when unknown.
const KnownCheck* Find(std::string_view check) {
  if (IsAfterUpgrade(check)) check.remove_prefix(std::string_view(kAfterUpgrade).size());
  const auto found = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const KnownCheck& known) { return check == known.check; });
  return found == kKnown.end() ? nullptr : &*found;
}

// The known ones in their order, those after the upgrade behind them, unknown ones last.
size_t Rank(const std::string& check) {
  const KnownCheck* known = Find(check);
  if (known == nullptr) return 2 * kKnown.size();
  return static_cast<size_t>(known - kKnown.data()) + (IsAfterUpgrade(check) ? kKnown.size() : 0);
}

std::string LabelOf(const std::string& check) {
  const KnownCheck* known = Find(check);
  if (known == nullptr) return check;
  return (IsAfterUpgrade(check) ? "after an upgrade: " : "") + std::string(known->label);
}

void Count(Tally& tally, bool held, const std::string& detail) {
  ++tally.of;
  if (held) {
    ++tally.held;
  } else if (tally.first_broken.empty()) {
    tally.first_broken = detail.empty() ? "no detail" : detail;
  }
}

// A qcow2 chain has one disk, which the guest writes to as far as it knows.
bool SharesImages(const Arm& arm) {
  return arm.layout == Layout::kFine ||
         (arm.layout == Layout::kBlock && arm.engine != kChainEngine);
}

// What QEMU counted as written to the disks of the shared images while the guest ran.
void CountSharedWrites(const Sample& sample, Tally& tally) {
  if (!sample.raw.is_object()) return;
  const auto storage = sample.raw.find("storage");
  if (storage == sample.raw.end() || !storage->is_object()) return;
  double bytes = 0;
  bool told = false;
  for (const char* name : {"system_bytes_written", "app_bytes_written"}) {
    const auto found = storage->find(name);
    if (found == storage->end() || !found->is_number()) continue;
    bytes += found->get<double>();
    told = true;
  }
  if (!told) return;
  Count(tally, bytes == 0,
        "the guest wrote " + std::to_string(static_cast<int64_t>(bytes)) + " bytes to them");
}

}  // namespace

bool Expected(const std::string& check, Layout layout) {
  // Changed blocks fit only the file system in which they were changed.
  if (layout == Layout::kBlock && (IsAfterUpgrade(check) || check == kUpgradeKeepsChanges))
    return false;
  const KnownCheck* known = Find(check);
  return layout != Layout::kCoarse || known == nullptr || known->coarse;
}

std::vector<CheckTally> TallyPromises(const Experiment& experiment,
                                      const std::vector<Sample>& samples,
                                      const ImagesUnchanged& images) {
  std::map<std::string, std::map<std::string, Tally>> by_check;
  for (const Sample& sample : samples) {
    for (const Promise& promise : sample.promises) {
      Count(by_check[promise.check][sample.arm], promise.held, promise.detail);
    }
  }
  for (const Arm& arm : experiment.arms) {
    if (!SharesImages(arm)) continue;
    Tally tally;
    for (const Sample& sample : samples) {
      if (sample.arm == arm.id) CountSharedWrites(sample, tally);
    }
    for (const auto& [image, unchanged] : images)
      Count(tally, unchanged, "the digest of " + image + " changed");
    if (tally.of > 0) by_check[kSharedImagesUntouched][arm.id] = tally;
  }
  std::vector<CheckTally> tallies;
  for (auto& [check, arms] : by_check) {
    for (const Arm& arm : experiment.arms) {
      const auto found = arms.find(arm.id);
      if (found != arms.end()) found->second.expected = Expected(check, arm.layout);
    }
    tallies.push_back({check, LabelOf(check), std::move(arms)});
  }
  std::stable_sort(tallies.begin(), tallies.end(), [](const CheckTally& a, const CheckTally& b) {
    return Rank(a.check) < Rank(b.check);
  });
  return tallies;
}

}  // namespace blendbench
