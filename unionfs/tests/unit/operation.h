// SPDX-License-Identifier: MIT
// Every operation of a union, as data, with the layers they all start from: what the crash test and
// the fault test run through. The table is in operations.cc, the layers and the comparison of trees
// in operation.cc.
// Thread-safety: one thread.
#pragma once

#include <functional>
#include <map>
#include <ostream>

#include "unionfs/tests/unit/union_fixture.h"

namespace blendfs::testing {

class OperationTest;

// Whether something between the old and the new may show, where the layer cannot do it in one step.
enum class Between { kNever, kAfterACrash, kAlways };

struct Operation {
  std::string name;
  std::function<Status(OperationTest&)> run;
  // What comes before it, without faults: the state that it starts from.
  std::function<Status(OperationTest&)> prepare;
  Between between = Between::kNever;
};
void PrintTo(const Operation& operation, std::ostream* out);

// Those that change the layers, and those that only look (or change nothing that shows).
std::vector<Operation> ChangingOperations();
std::vector<Operation> LookingOperations();

// A union's tree as a comparable value: path -> everything that stat, reading and the attributes
// tell of it, but for times of directories and the numbers that differ from one laying to the next:
// inode numbers are told as the lower object they belong to.
using Tree = std::map<std::string, std::string>;
// What differs, for a message.
std::string Difference(const Tree& expected, const Tree& found);

class OperationTest : public UnionFixture {
 public:
  using UnionFixture::At;
  using UnionFixture::fs;
  using UnionFixture::Hold;
  using UnionFixture::ReadAll;
  using UnionFixture::Walk;

  // What a looking operation saw, to be compared with what it sees without faults.
  std::string seen;
  std::string Identity(uint64_t ino) const;
  // Names and numbers of one directory.
  Result<std::string> Listing(merge::Node& directory);

 protected:
  // The layers as every run finds them, mounted over `os`, after the operation's preparation.
  void Begin(const Operation& operation, sys::Calls& os);
  // Runs it; a walk that fails counts as the operation's failure.
  Status Run(const Operation& operation);
  // The tree as the mounted union shows it now.
  Tree Look();
  // The tree after another mount, over the real system.
  Tree LookAgain();
  bool WorkIsEmpty() const { return std::filesystem::is_empty(Path("work/work")); }

 private:
  void Lay();
  void Collect(const std::string& path, merge::Node& directory, Tree& tree);
  std::string Describe(const merge::Entry& entry);
  std::string Content(merge::Node& node);
  std::string Xattrs(merge::Node& node);

  std::map<uint64_t, std::string> lower_names_;  // inode number -> first path
};

}  // namespace blendfs::testing
