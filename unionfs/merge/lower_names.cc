// SPDX-License-Identifier: MIT
#include "unionfs/merge/lower_names.h"

#include <climits>

namespace blendfs::merge {
namespace {

// What listing one place costs, in calls that look for a name: some calls, and a share for each name, told
// by the directory's size.
constexpr uint64_t kCallsOfAListing = 8;
constexpr uint64_t kBytesOfACall = 256;

uint64_t CostOfIndex(State& state, const Directory& dir) {
  uint64_t calls = 0;
  for (const LowerDir& lower : dir.lowers) {
    const auto stat = state.os.StatFd(lower.fd.borrow());
    calls += kCallsOfAListing + (stat ? stat->size / kBytesOfACall : 0);
  }
  return calls;
}

void MakeNameIndex(State& state, Directory& dir) {
  NameIndex::Builder names;
  for (uint32_t place = 0; place < dir.lowers.size(); ++place) {
    const auto entries = state.os.List(dir.lowers[place].fd.borrow());
    if (!entries) return;  // the next one who asks in vain tries again
    for (const sys::DirEntry& entry : *entries) names.Add(place, entry.name);
  }
  SetNameIndex(dir, names);
}

}  // namespace

LowerNames::LowerNames(const Directory& dir, std::string_view name) : dir_(dir) {
  // No directory has it, but that is another error than ENOENT: the layers' to give.
  if (name.size() > NAME_MAX) return;
  if (const NameIndex* index = dir.names.load(std::memory_order_acquire)) places_ = index->Of(name);
}

bool LowerNames::MayHave(const LowerDir& place) const {
  return !places_ || places_->Has(static_cast<uint32_t>(&place - dir_.lowers.data()));
}

void CountVain(State& state, Directory& dir, uint32_t places) {
  if (places == 0 || !WantsNameIndex(dir)) return;
  const uint64_t vain = dir.vain.fetch_add(places, std::memory_order_relaxed) + places;
  uint64_t cost = dir.index_cost.load(std::memory_order_relaxed);
  if (vain < cost || vain < kCallsOfAListing * dir.lowers.size()) return;
  if (cost == 0) {
    cost = CostOfIndex(state, dir);
    dir.index_cost.store(cost, std::memory_order_relaxed);
    if (vain < cost) return;
  }
  dir.index_cost.store(2 * vain, std::memory_order_relaxed);  // where it fails, or is too large
  MakeNameIndex(state, dir);
}

void SetNameIndex(Directory& dir, NameIndex::Builder& names) {
  std::unique_ptr<const NameIndex> index = names.Finish();
  const NameIndex* none = nullptr;
  if (index && dir.names.compare_exchange_strong(none, index.get())) (void)index.release();
}

}  // namespace blendfs::merge
