// SPDX-License-Identifier: MIT
// The scripts of workloads/programs on a plain folder: a good result passes, one that is spoilt in any way does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "harness/base/files.h"
#include "harness/guest/process.h"
#include "harness/host/program_case.h"
#include "harness/spec/program.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr double kLongest_s = 120;
// As long as the path of a run's mount: programs have limits of their own.
constexpr char kDir[] = "a-folder-with-a-path-that-is-longer-than-some-programs-like";

CommandResult Shell(const std::string& script) {
  const auto done = RunCommand({"sh", "-ec", script}, Deadline::After(kLongest_s), nullptr);
  if (!done) return {.status = {}, .output = done.error()};
  return *done;
}

// What stands for the guest's system tree, for Lua's sources (with the answer that the real ones give) and for a
// package. Arguments: the folder.
constexpr char kMakeData[] = R"sh(
cd "$1"
mkdir -p system/usr/share/blend system/usr/lib/udev system/usr/include/linux data
head -c 300000 /dev/urandom >system/usr/share/blend/data.bin
head -c 300000 /dev/urandom >system/usr/lib/udev/hwdb.bin
chmod 444 system/usr/lib/udev/hwdb.bin
for i in $(seq 310); do printf '#define NUMBER_%d\n#define LAST\n' $i >system/usr/include/linux/h$i.h; done
mkdir -p lua-5.4.0/src lua-5.4.0/doc
cat >lua-5.4.0/src/lua.c <<'END'
#include <stdio.h>
const char* answer(void);
int main(void) { return puts(answer()) < 0; }
END
cat >lua-5.4.0/src/lapi.c <<'END'
const char* answer(void);
const char* answer(void) { return "336766430\t14\tfalse\tno\tONE+TWO+THREE\tAB\t3\t3.142\t3\ttrue"; }
END
echo 'not to be compiled' >lua-5.4.0/src/luac.c
echo read me >lua-5.4.0/README
ln -s ../README lua-5.4.0/doc/readme
tar cf data/lua.tar lua-5.4.0
mkdir -p p/DEBIAN p/usr/share/made-up p/usr/share/doc/made-up
echo one >p/usr/share/made-up/one
echo two >p/usr/share/made-up/two
echo doc >p/usr/share/doc/made-up/copyright
ln -s one p/usr/share/made-up/link
(cd p; find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
printf 'Package: made-up\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\nDescription: made up\n' \
  >p/DEBIAN/control
dpkg-deb --root-owner-group --build p data/package.deb >/dev/null
)sh";

// A changed byte that leaves size and, where it can, times as they were.
constexpr char kHelp[] = R"sh(
alter() { # FILE [OFFSET]
  touch -r "$1" "$dir/.times"
  old=$(od -An -tu1 -j "${2:-0}" -N 1 "$1")
  printf "\\$(printf %o $(((old + 1) % 256)))" | dd of="$1" bs=1 seek="${2:-0}" conv=notrunc status=none
  touch -r "$dir/.times" "$1"
  rm "$dir/.times"
}
any() { find "$1" -type f | LC_ALL=C sort | sed -n 3p; }
)sh";

struct Spoilt {
  const char* program;
  const char* how;  // shell, with $dir, $system and the functions above
};

const std::vector<Spoilt> kSpoilt = {
    {"fs-mark", "alter \"$(any $dir/files)\" 4095"},
    {"fs-mark", "rm \"$(any $dir/files)\""},
    {"fs-mark", "truncate -s 4095 \"$(any $dir/files)\""},
    {"fs-mark", "mkdir $dir/files/more"},
    {"unpack", "alter $dir/9/lua-5.4.0/src/lapi.c 20"},
    {"unpack", "rm $dir/4/lua-5.4.0/README"},
    {"unpack", "chmod 600 $dir/4/lua-5.4.0/README"},
    {"unpack", "rm $dir/0/lua-5.4.0/doc/readme; ln -s ../READ $dir/0/lua-5.4.0/doc/readme"},
    {"unpack", "touch $dir/0/lua-5.4.0/more"},
    {"remove", "mkdir $dir/trees/0"},
    {"remove", "touch $dir/trees/.left"},
    {"remove", "rmdir $dir/trees"},
    {"find-warm", "sed -i 7d $dir/found"},
    {"find-warm", "sed -i '/data.bin/s/300000/300001/' $dir/found"},
    {"find-warm", "sed -i '/data.bin/s/data/date/' $dir/found"},
    {"install", "alter $dir/root/usr/share/made-up/two"},
    {"install", "rm $dir/root/usr/share/made-up/link"},
    {"install", "rm $dir/root/usr/share/doc/made-up/copyright"},
    {"install", "sed -i 's/ok installed/ok unpacked/' $dir/root/var/lib/dpkg/status"},
    {"install", ": >$dir/root/var/lib/dpkg/status"},
    {"install", "rm $dir/root/var/lib/dpkg/info/made-up.list"},
    {"database",
     "alter $dir/bank.db $(grep -abo 'words enough' $dir/bank.db | sed -n '150s/:.*//p')"},
    {"database", "sqlite3 $dir/bank.db 'DELETE FROM movement WHERE id = 7'"},
    {"database", "sqlite3 $dir/bank.db 'UPDATE account SET balance = balance + 1 WHERE id = 7'"},
    {"database", "sqlite3 $dir/bank.db 'UPDATE account SET balance = 2000 - balance WHERE id < 3'"},
    {"database", "truncate -s -8192 $dir/bank.db"},
    {"database", ": >$dir/bank.db"},
    {"compile", "alter $dir/lua 1"},
    {"compile", "rm $dir/lua"},
    {"compile", "rm $dir/objects/lapi.o"},
    {"compile", "printf '#!/bin/sh\\necho 336766431\\n' >$dir/lua"},
    {"compile", "alter $dir/tree/lua-5.4.0/src/lapi.c 20"},
    {"first-write", "alter $system/usr/share/blend/data.bin 150000"},
    {"first-write", "alter $system/usr/share/blend/data.bin 300000"},
    {"first-write", "truncate -s 300000 $system/usr/share/blend/data.bin"},
    {"first-write", "truncate -s 300002 $system/usr/share/blend/data.bin"},
    {"first-chmod", "alter $system/usr/lib/udev/hwdb.bin 150000"},
    {"first-chmod", "chmod 444 $system/usr/lib/udev/hwdb.bin"},
    {"first-chmod", "touch -d 2001-01-01 $system/usr/lib/udev/hwdb.bin"},
    {"copy-ups", "alter $system/usr/include/linux/h7.h 3"},
    {"copy-ups",
     "alter $system/usr/include/linux/h7.h $(($(stat -c %s $system/usr/include/linux/h7.h) - 1))"},
    {"copy-ups", "truncate -s -1 $system/usr/include/linux/h7.h"},
    {"copy-ups", "chmod 600 $system/usr/include/linux/h7.h"},
    {"copy-ups", "rm $system/usr/include/linux/h7.h"},
};

class ProgramScript : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    program_ = ProgramById(GetParam());
    ASSERT_NE(program_, nullptr);
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners of files";
    if (FindIn("dpkg-deb").empty()) GTEST_SKIP() << "there is no dpkg-deb";
    if (const std::string why = MissingProgram(*program_); !why.empty()) GTEST_SKIP() << why;
    const std::string made = "set -- " + folder_.path().string() + "\n" + kMakeData;
    const CommandResult result = Shell(made);
    ASSERT_TRUE(result.status.ok()) << result.output;
    fs::create_directory(dir());
    ::setenv("BLEND_BACKING", folder_.path().c_str(), 1);
    ::unsetenv("BLEND_SYSTEM");
    if (GetParam() != "install" && program_->guests_alone)
      ::setenv("BLEND_SYSTEM", system().c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("BLEND_BACKING");
    ::unsetenv("BLEND_SYSTEM");
  }

  static std::string FindIn(const std::string& name) {
    return Shell("command -v " + name + " || :").output;
  }
  std::string dir() const { return (folder_.path() / kDir).string(); }
  std::string system() const { return (folder_.path() / "system").string(); }
  CommandResult Verb(const std::string& verb) {
    return Shell("exec sh " BLEND_SOURCE_DIR "/workloads/programs/" + program_->script + " " +
                 verb + " " + dir() + " " + (folder_.path() / "data").string());
  }
  void Expect(const std::string& verb) {
    const CommandResult result = Verb(verb);
    ASSERT_TRUE(result.status.ok()) << verb << ": " << result.output;
  }
  void ExpectWrong(const std::string& how) {
    const CommandResult result = Verb("check");
    EXPECT_FALSE(result.status.ok()) << how;
    EXPECT_GT(result.output.size(), 1u) << how;
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1)
        << how << ": " << result.output;
  }

  const Program* program_ = nullptr;
  TemporaryFolder folder_;
};

TEST_P(ProgramScript, AGoodResultPassesAndASpoiltOneDoesNot) {
  Expect("prepare");
  if (program_->cold) Expect("warm");
  for (int round = 0; round < program_->rounds; ++round) Expect("run");
  const std::string both = std::string(kDir) + " system",
                    at = "cd " + folder_.path().string() + "; ";
  const std::string back = at + "rm -rf " + both + "; cp -a good/* .";
  ASSERT_TRUE(Shell(at + "mkdir good; cp -a " + both + " good").status.ok());
  Expect("check");
  for (const Spoilt& spoilt : kSpoilt) {
    if (spoilt.program != GetParam()) continue;
    ASSERT_TRUE(Shell(back).status.ok());
    const CommandResult result =
        Shell("dir=" + dir() + " system=" + system() + "\n" + kHelp + spoilt.how);
    ASSERT_TRUE(result.status.ok()) << spoilt.how << ": " << result.output;
    ExpectWrong(spoilt.how);
  }
}

TEST_P(ProgramScript, NoWorkAtAllIsAWrongResult) {
  Expect("prepare");
  ExpectWrong("not run");
  EXPECT_FALSE(Verb("something").status.ok());
}

INSTANTIATE_TEST_SUITE_P(Every, ProgramScript, testing::ValuesIn(ProgramIds()),
                         [](const auto& given) {
                           std::string name = given.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ProgramScripts, AreAllSpoiltAndTouchNoSystemThatNobodyNamed) {
  std::set<std::string> spoilt;
  for (const Spoilt& one : kSpoilt) spoilt.insert(one.program);
  const TemporaryFolder folder;
  ::unsetenv("BLEND_SYSTEM");
  for (const Program& program : Programs()) {
    EXPECT_TRUE(spoilt.count(program.id) == 1 || program.id == "find-cold") << program.id;
    const auto text = ReadFile(fs::path(BLEND_SOURCE_DIR) / "workloads/programs" / program.script);
    ASSERT_TRUE(text) << text.error().message;
    if (text->find("BLEND_SYSTEM:?") == std::string::npos) continue;
    const CommandResult refused = Shell("exec sh " BLEND_SOURCE_DIR "/workloads/programs/" +
                                        program.script + " prepare " + folder.path().string());
    EXPECT_FALSE(refused.status.ok()) << program.id;
    EXPECT_THAT(refused.output, HasSubstr("BLEND_SYSTEM")) << program.id;
  }
}

}  // namespace
}  // namespace blendbench
