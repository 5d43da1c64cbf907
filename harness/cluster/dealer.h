// SPDX-License-Identifier: MIT
// Which block a free machine gets next. Pure; thread-safety: one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace blendbench {

class Dealer {
 public:
  // `pending` blocks are dealt out in order; `earlier` says who was given a block in an earlier call and may have begun
  // it. A machine whose turns failed `most_failures` times in a row gets none any more.
  Dealer(std::vector<int> pending, std::map<int, std::string> earlier, int most_failures = 3);

  // What `host` continues, else the first block that nobody has begun, else the first that is left. nullopt when there
  // is none, or the host is given up.
  std::optional<int> Next(const std::string& host);

  void Done(int block, const std::string& host);
  // Back to those that are left.
  void Failed(int block, const std::string& host);

  bool GivenUp(const std::string& host) const;
  bool AllDone() const { return left_.empty() && running_.empty(); }
  std::vector<int> Left() const;  // not done, those that run included
  const std::map<int, std::string>& owners() const { return owners_; }  // block -> last given to

 private:
  std::set<int> left_;
  std::set<int> running_;
  std::map<int, std::string> owners_;
  std::map<std::string, int> failures_;  // in a row
  int most_failures_;
};

}  // namespace blendbench
