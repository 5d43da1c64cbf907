// SPDX-License-Identifier: MIT
#include "unionfs/merge/name_index.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace blendfs::merge {
namespace {

constexpr size_t kMostNames = size_t{1} << 18;  // 2 MiB for one directory

uint32_t HashOf(std::string_view name) {
  return static_cast<uint32_t>(std::hash<std::string_view>()(name));
}

}  // namespace

bool NameIndex::Places::Has(uint32_t place) const {
  return std::any_of(marks_.begin(), marks_.end(),
                     [place](const Mark& mark) { return mark.place == place; });
}

void NameIndex::Builder::Add(uint32_t place, std::string_view name) {
  if (marks_.size() <= kMostNames) marks_.push_back({HashOf(name), place});
}

std::unique_ptr<const NameIndex> NameIndex::Builder::Finish() {
  std::vector<Places::Mark> marks = std::exchange(marks_, {});
  if (marks.size() > kMostNames) return nullptr;
  std::sort(marks.begin(), marks.end());
  marks.shrink_to_fit();
  return std::unique_ptr<const NameIndex>(new NameIndex(std::move(marks)));
}

NameIndex::Places NameIndex::Of(std::string_view name) const {
  const uint32_t hash = HashOf(name);
  const auto begin = std::lower_bound(marks_.begin(), marks_.end(), Places::Mark{hash, 0});
  auto end = begin;
  while (end != marks_.end() && end->hash == hash) ++end;
  return Places(std::span(begin, end));
}

}  // namespace blendfs::merge
