// SPDX-License-Identifier: MIT
#include "harness/cluster/dealer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace blendbench {

Dealer::Dealer(std::vector<int> pending, std::map<int, std::string> earlier, int most_failures)
    : left_(pending.begin(), pending.end()),
      owners_(std::move(earlier)),
      most_failures_(most_failures) {}

std::optional<int> Dealer::Next(const std::string& host) {
  if (left_.empty() || GivenUp(host)) return std::nullopt;
  const auto own = std::find_if(left_.begin(), left_.end(), [&](int block) {
    const auto owner = owners_.find(block);
    return owner != owners_.end() && owner->second == host;
  });
  const auto fresh = std::find_if(left_.begin(), left_.end(),
                                  [&](int block) { return owners_.count(block) == 0; });
  const auto chosen = own != left_.end() ? own : fresh != left_.end() ? fresh : left_.begin();
  const int block = *chosen;
  left_.erase(chosen);
  running_.insert(block);
  owners_[block] = host;
  return block;
}

void Dealer::Done(int block, const std::string& host) {
  running_.erase(block);
  failures_[host] = 0;
}

void Dealer::Failed(int block, const std::string& host) {
  running_.erase(block);
  left_.insert(block);
  ++failures_[host];
}

bool Dealer::GivenUp(const std::string& host) const {
  const auto found = failures_.find(host);
  return found != failures_.end() && found->second >= most_failures_;
}

std::vector<int> Dealer::Left() const {
  std::vector<int> left;
  std::set_union(left_.begin(), left_.end(), running_.begin(), running_.end(),
                 std::back_inserter(left));
  return left;
}

}  // namespace blendbench
