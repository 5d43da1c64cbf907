// SPDX-License-Identifier: MIT
// A crash after every single change to the layers: what is mounted afterwards is the tree from before
// the operation or the one from after it, and the work directory is clean.
#include <stdio.h>

#include <functional>
#include <map>

#include "unionfs/tests/unit/faulty_calls.h"
#include "unionfs/tests/unit/union_fixture.h"

namespace blendfs::testing {
namespace {

using Tree = std::map<std::string, std::string>;

void PrintTo(const struct Step& step, std::ostream* out);
struct Step {
  const char* name;
  std::function<Status(class CrashTest&)> run;
};

void PrintTo(const Step& step, std::ostream* out) { *out << step.name; }

class CrashTest : public UnionFixture, public ::testing::WithParamInterface<Step> {
 public:
  using UnionFixture::Append;
  using UnionFixture::At;
  using UnionFixture::fs;
  using UnionFixture::Walk;

 protected:
  // The layers as every run finds them.
  void Lay() {
    union_.reset();
    for (const char* dir : {"upper", "work", "lower0", "lower1"}) {
      std::filesystem::remove_all(Path(dir));
      MakeDir(dir);
    }
    Write("lower0/shared/top", "top");
    Write("lower1/shared/bottom", "bottom");
    Write("lower1/plain", "plain");
    Write("lower1/big", std::string(200000, 'b'));
    Write("lower1/tree/a/deep", "deep");
    Write("lower1/linked", "linked");
    ASSERT_EQ(::link(Path("lower1/linked").c_str(), Path("lower1/twin").c_str()), 0);
    Write("lower0/old", "old");
    Write("lower1/emptied/inner", "inner");
    ASSERT_EQ(::symlink("plain", Path("lower1/sym").c_str()), 0);
    MakeDir("upper/emptied");
    ASSERT_EQ(::mknod(Path("upper/emptied/inner").c_str(), S_IFCHR, 0), 0);
    ASSERT_EQ(::mknod(Path("upper/old").c_str(), S_IFCHR, 0), 0);
    Write("upper/own", "own");
    MakeDir("upper/owndir");
    // Not by the umask, which belongs to the union while this thread acts for it.
    for (const auto& entry : std::filesystem::recursive_directory_iterator(base_)) {
      if (entry.is_symlink() || entry.is_character_file()) continue;
      ASSERT_EQ(::chmod(entry.path().c_str(), entry.is_directory() ? 0755 : 0644), 0);
    }
  }

  void Collect(const std::string& path, Tree& tree) {
    for (const std::string& name : Names(path)) {
      const std::string child = path.empty() ? name : path + "/" + name;
      auto entry = Walk(child);
      if (!entry) {
        tree[child] = "listed but gone: " + std::to_string(entry.error().code);
        continue;
      }
      const merge::Attr& attr = entry->attr;
      std::string value = std::to_string(attr.mode) + " " + std::to_string(attr.uid);
      if (S_ISREG(attr.mode)) {
        value += " " + std::to_string(attr.size) + " links " + std::to_string(attr.nlink) + " ";
        value += Read(child).substr(0, 20);
      }
      if (S_ISLNK(attr.mode)) value += " " + fs().ReadLink(*entry->node).value_or("?");
      tree[child] = value;
      if (S_ISDIR(attr.mode)) Collect(child, tree);
    }
  }
  Tree Snapshot() {
    Open();
    Tree tree;
    Collect("", tree);
    return tree;
  }
};

TEST_P(CrashTest, LeavesTheOldTreeOrTheNew) {
  const Step& step = GetParam();
  Lay();
  const Tree before = Snapshot();
  Lay();
  FaultyCalls counting;
  Open(counting);
  const int mount_changes = static_cast<int>(counting.changes().size());
  ASSERT_TRUE(step.run(*this)) << step.name;
  const int changes = static_cast<int>(counting.changes().size());
  union_.reset();
  const Tree after = Snapshot();
  ASSERT_GT(changes, mount_changes);

  for (int crash = mount_changes + 1; crash <= changes; ++crash) {
    SCOPED_TRACE("crash after change " + std::to_string(crash - mount_changes));
    Lay();
    FaultyCalls os;
    os.CrashAfterChange(crash);
    Open(os);
    try {
      (void)step.run(*this);
    } catch (const std::runtime_error&) {
      // A walk after the crash: nothing answers any more.
    }
    union_.reset();
    const Tree found = Snapshot();
    EXPECT_EQ(found, found == before ? before : after);
    EXPECT_TRUE(std::filesystem::is_empty(Path("work/work")));
  }
}

Status Chmod(CrashTest& test, const char* path) {
  merge::AttrChange change;
  change.set_mode = true;
  change.mode = 0600;
  auto done = test.fs().SetAttr(test.At(path), change, nullptr);
  return done ? Status() : Status(tl::unexpected(done.error()));
}
template <typename T>
Status Void(const Result<T>& result) {
  return result ? Status() : Status(tl::unexpected(result.error()));
}
Status Rename(CrashTest& test, const char* from, const char* to, unsigned flags = 0) {
  return test.fs().Rename(test.fs().root(), from, test.fs().root(), to, flags);
}

const Step kSteps[] = {
    {"CopyUpForWriting",
     [](CrashTest& t) { return Void(t.fs().OpenAt(t.At("plain"), O_RDWR, false)); }},
    {"CopyUpOfALink",
     [](CrashTest& t) { return Void(t.fs().OpenAt(t.At("twin"), O_RDWR, false)); }},
    {"ChmodDeep", [](CrashTest& t) { return Chmod(t, "tree/a/deep"); }},
    {"ChmodBig", [](CrashTest& t) { return Chmod(t, "big"); }},
    {"CreateOverWhiteout",
     [](CrashTest& t) { return Void(t.fs().Create(t.fs().root(), "old", 0644, O_RDWR, {})); }},
    {"MakeDirOverWhiteout",
     [](CrashTest& t) { return Void(t.fs().MakeDir(t.fs().root(), "old", 0755, {})); }},
    {"SymlinkOverWhiteout",
     [](CrashTest& t) { return Void(t.fs().MakeSymlink(t.fs().root(), "old", "x", {})); }},
    {"LinkOverWhiteout",
     [](CrashTest& t) { return Void(t.fs().Link(t.At("own"), t.fs().root(), "old")); }},
    {"LinkLower",
     [](CrashTest& t) { return Void(t.fs().Link(t.At("plain"), t.fs().root(), "p2")); }},
    {"LinkIndexed",
     [](CrashTest& t) { return Void(t.fs().Link(t.At("twin"), t.fs().root(), "p3")); }},
    {"UnlinkLower", [](CrashTest& t) { return t.fs().Unlink(t.fs().root(), "plain"); }},
    {"UnlinkOneLink", [](CrashTest& t) { return t.fs().Unlink(t.fs().root(), "twin"); }},
    // The other name of a file that was copied up under its first.
    {"UnlinkSecondLink",
     [](CrashTest& t) {
       (void)t.fs().OpenAt(t.At("linked"), O_RDWR, false);
       return t.fs().Unlink(t.fs().root(), "twin");
     }},
    {"RenameSecondLink",
     [](CrashTest& t) {
       (void)t.fs().OpenAt(t.At("linked"), O_RDWR, false);
       return Rename(t, "twin", "moved");
     }},
    {"LinkSecondLink",
     [](CrashTest& t) {
       (void)t.fs().OpenAt(t.At("linked"), O_RDWR, false);
       return Void(t.fs().Link(t.At("twin"), t.fs().root(), "third"));
     }},
    {"UnlinkUpper", [](CrashTest& t) { return t.fs().Unlink(t.fs().root(), "own"); }},
    {"RemoveEmptied", [](CrashTest& t) { return t.fs().RemoveDir(t.fs().root(), "emptied"); }},
    {"RenameLowerFile", [](CrashTest& t) { return Rename(t, "plain", "moved"); }},
    {"RenameBigFile", [](CrashTest& t) { return Rename(t, "big", "moved"); }},
    {"RenameSymlink", [](CrashTest& t) { return Rename(t, "sym", "moved"); }},
    {"RenameLink", [](CrashTest& t) { return Rename(t, "twin", "moved"); }},
    {"RenameOverLower", [](CrashTest& t) { return Rename(t, "own", "plain"); }},
    {"RenameOverLink", [](CrashTest& t) { return Rename(t, "own", "twin"); }},
    {"RenameLowerDirectory", [](CrashTest& t) { return Rename(t, "tree", "moved"); }},
    {"RenameMergedDirectory", [](CrashTest& t) { return Rename(t, "shared", "moved"); }},
    {"RenameDirectoryOverWhiteout", [](CrashTest& t) { return Rename(t, "owndir", "old"); }},
    {"RenameDirectoryOverEmptied", [](CrashTest& t) { return Rename(t, "tree", "emptied"); }},
    {"RenameOwnDirectoryOverEmptied", [](CrashTest& t) { return Rename(t, "owndir", "emptied"); }},
    {"Exchange", [](CrashTest& t) { return Rename(t, "tree", "plain", RENAME_EXCHANGE); }},
};

std::string NameOf(const ::testing::TestParamInfo<Step>& step) { return step.param.name; }
INSTANTIATE_TEST_SUITE_P(Operations, CrashTest, ::testing::ValuesIn(kSteps), NameOf);

}  // namespace
}  // namespace blendfs::testing
