// SPDX-License-Identifier: MIT
// A root that is merged on the host, with a daemon that only pretends and with the real one where there is one: what it
// serves, what is on the user's image afterwards, and that nothing is left on any way out. Needs root and loop devices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "harness/guest/process.h"
#include "harness/host/programs.h"
#include "harness/measure/host_export.h"
#include "harness/tests/samples_for_test.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;

// Tells its client what it sees in the tree, writes into it, and ends when the client has gone.
constexpr const char* kPretender = R"(#!/usr/bin/python3
import os, socket, sys
value = {word.split("=", 1)[0]: word.split("=", 1)[1] for word in sys.argv[1:] if "=" in word}
tree = value["--shared-dir"]
listener = socket.socket(socket.AF_UNIX)
listener.bind(value["--socket-path"])
listener.listen(1)
client = listener.accept()[0]
open(tree + "/written", "w").write("by the guest")
seen = [open(tree + "/" + name).read() for name in ("both", "low", "mine")]
client.sendall(" ".join(seen).encode())
client.recv(1)
)";

std::string AllOf(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The client's side: what the daemon says.
std::string AskDaemon(const fs::path& socket) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return ErrnoText("connect");
  char said[256] = {};
  return ::read(fd.get(), said, sizeof said - 1) > 0 ? said : "nothing";
}

class HostExportTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: mounts";
    if (::access("/dev/loop-control", R_OK | W_OK) != 0) GTEST_SKIP() << "no loop devices";
    if (::access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "no /usr/bin/python3";
    order_.lowers = {Image("app", {{"both", "app"}}),
                     Image("system", {{"both", "system"}, {"low", "system"}})};
    order_.user = Image("user", {{"upper/mine", "user"}, {"work/x", ""}});
    order_.folder = folder_.path();
    order_.log = folder_.path() / "daemon.log";
    order_.virtiofsd = Program("pretender", kPretender);
  }
  void TearDown() override { EXPECT_EQ(LeftInTheEnd(), ""); }

  fs::path Image(const std::string& name, const std::map<std::string, std::string>& files) {
    const fs::path tree = folder_.path() / (name + ".tree");
    for (const auto& [file, content] : files) {
      fs::create_directories((tree / file).parent_path());
      std::ofstream(tree / file) << content;
    }
    fs::remove(tree / "work/x");
    const fs::path image = folder_.path() / (name + ".ext4");
    const auto made =
        RunChecked({"mke2fs", "-q", "-t", "ext4", "-d", tree.string(), image.string(), "16M"},
                   Deadline::After(60), nullptr);
    EXPECT_TRUE(made) << made.error();
    return image;
  }
  fs::path Program(const std::string& name, const std::string& script) {
    const fs::path path = folder_.path() / name;
    std::ofstream(path) << script;
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  Outcome<std::unique_ptr<HostExport>> Start() {
    return HostExport::Start(order_, nullptr, Deadline::After(60));
  }
  std::string OnUser(const std::string& request) {
    const auto said =
        RunCommand({"debugfs", "-R", request, order_.user.string()}, Deadline::After(60), nullptr);
    return said ? said->output : said.error();
  }
  Outcome<std::string> CheckUser() {
    return RunChecked({"e2fsck", "-fn", order_.user.string()}, Deadline::After(60), nullptr);
  }
  // Loop devices and processes that have to do with this test's folder, and folders in it.
  std::string Left() const {
    const std::string mine = folder_.path().string();
    std::string left;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/sys/block", ignored))
      if (AllOf(entry.path() / "loop/backing_file").find(mine) != std::string::npos)
        left += entry.path().string() + "; ";
    for (const auto& entry : fs::directory_iterator("/proc", ignored))
      if (AllOf(entry.path() / "cmdline").find(mine) != std::string::npos)
        left += "process " + entry.path().filename().string() + "; ";
    return left;
  }
  // The kernel takes devices and namespaces down a moment after the last process.
  std::string LeftInTheEnd() const {
    std::string left;
    for (int i = 0; i < 100 && !(left = Left()).empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return left;
  }
  int Folders() const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      count += entry.path().filename().string().starts_with("blendbench-");
    return count;
  }

  TemporaryFolder folder_;
  ExportOrder order_;
};

TEST_F(HostExportTest, ServesTheMergeAndLeavesTheUsersImageClean) {
  auto made = Start();
  ASSERT_TRUE(made) << made.error();
  struct stat at {};
  ASSERT_EQ(::stat((*made)->socket().parent_path().c_str(), &at), 0);
  EXPECT_EQ(at.st_mode & 0777, 0700u);
  EXPECT_EQ(AskDaemon((*made)->socket()), "app system user");
  const Outcome<void> stopped = (*made)->Stop(Deadline::After(60));
  EXPECT_TRUE(stopped) << stopped.error();
  EXPECT_TRUE((*made)->Stop(Deadline::After(1))) << "a second time";
  const auto checked = CheckUser();  // at once: the image is not in use any more
  EXPECT_TRUE(checked) << checked.error();
  EXPECT_THAT(OnUser("cat /upper/written"), HasSubstr("by the guest"));
  made->reset();
  EXPECT_EQ(Folders(), 0);
}

TEST_F(HostExportTest, ADaemonThatNobodyCameToIsEnded) {
  auto made = Start();
  ASSERT_TRUE(made) << made.error();
  const Outcome<void> stopped = (*made)->Stop(Deadline::After(60));
  EXPECT_TRUE(stopped) << stopped.error();
  EXPECT_TRUE(CheckUser());
}

TEST_F(HostExportTest, ADaemonThatDoesNotEndIsKilled) {
  std::string stubborn = kPretender;
  stubborn +=
      "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)\n";
  order_.virtiofsd = Program("stubborn", stubborn);
  auto made = Start();
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(AskDaemon((*made)->socket()), "app system user");
  const Outcome<void> stopped = (*made)->Stop(Deadline::After(60));
  ASSERT_FALSE(stopped);
  EXPECT_THAT(stopped.error(), HasSubstr("killed"));
  EXPECT_TRUE(CheckUser());  // what it had written is safe all the same
}

TEST_F(HostExportTest, WhatCannotBeIsSaidInOneLine) {
  order_.virtiofsd = Program("failing", "#!/bin/sh\necho first\necho no luck today >&2\nexit 3\n");
  auto made = Start();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), "virtiofsd ended with exit code 3: no luck today");
  order_.virtiofsd = folder_.path() / "not-there";
  made = Start();
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("not-there"));
  order_.lowers[0] = folder_.path() / "no-image";
  made = Start();
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("no-image: No such file"));
  EXPECT_TRUE(CheckUser());
  EXPECT_EQ(Folders(), 0);
}

TEST_F(HostExportTest, ADaemonThatHidesItsSocketIsWaitedForUntilTheDeadline) {
  order_.virtiofsd = Program("silent", "#!/bin/sh\nexec sleep 600\n");
  auto made = HostExport::Start(order_, nullptr, Deadline::After(1));
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("virtiofsd"));
}

TEST_F(HostExportTest, GoesWithAHarnessThatIsKilled) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const pid_t harness = ::fork();
  if (harness == 0) {
    auto made = Start();
    const char good = made ? 'y' : 'n';
    [[maybe_unused]] const ssize_t written = ::write(fds[1], &good, 1);
    ::pause();
    ::_exit(0);
  }
  char good = 0;
  ASSERT_EQ(::read(fds[0], &good, 1), 1);
  EXPECT_EQ(good, 'y');
  EXPECT_NE(Left(), "");
  ::kill(harness, SIGKILL);
  ::waitpid(harness, nullptr, 0);
  EXPECT_EQ(LeftInTheEnd(), "");
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_F(HostExportTest, ALongScratchFolderGetsAShortSocket) {
  order_.folder = folder_.path() / std::string(120, 'x');
  fs::create_directory(order_.folder);
  auto made = Start();
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(AskDaemon((*made)->socket()), "app system user");
}

TEST_F(HostExportTest, TheRealDaemonTakesTheOptions) {
  order_.virtiofsd = FindVirtiofsd();
  if (order_.virtiofsd.empty()) GTEST_SKIP() << "no virtiofsd on this machine";
  for (const ExportCache cache : {ExportCache::kAuto, ExportCache::kAlways}) {
    order_.cache = cache;
    auto made = Start();
    ASSERT_TRUE(made) << made.error();
    const Outcome<void> stopped = (*made)->Stop(Deadline::After(60));
    EXPECT_TRUE(stopped) << stopped.error();
    EXPECT_TRUE(CheckUser());
  }
}

TEST(Virtiofsd, TheNewestCopyInTheCacheIsTaken) {
  if (const fs::path system = FindVirtiofsd();
      !system.empty() && system.string().find("/virtiofsd/") == std::string::npos)
    GTEST_SKIP() << "this machine has " << system;
  const TemporaryFolder cache;
  for (const char* version : {"1.9.0-1", "1.13.2-1+deb13u1", "1.13.0-1", ".work.abc"}) {
    const fs::path folder = cache.path() / "virtiofsd" / version;
    fs::create_directories(folder);
    std::ofstream(folder / "virtiofsd") << "#!/bin/sh\n";
    fs::permissions(folder / "virtiofsd", fs::perms::owner_all);
  }
  const char* before = std::getenv("BLEND_CACHE");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("BLEND_CACHE", cache.path().c_str(), 1);
  EXPECT_EQ(FindVirtiofsd(), cache.path() / "virtiofsd/1.13.2-1+deb13u1/virtiofsd");
  EngineDescriptor descriptor;
  descriptor.kind = MountKind::kExport;
  const EngineHere here = LookForEngine(descriptor, nullptr);
  EXPECT_EQ(here.missing, "");
  EXPECT_EQ(here.descriptor.program, FindVirtiofsd());
  EXPECT_EQ(here.sha256.size(), 64u);
  if (before == nullptr)
    ::unsetenv("BLEND_CACHE");
  else
    ::setenv("BLEND_CACHE", kept.c_str(), 1);
}

TEST(Virtiofsd, HowLongTheGuestBelievesIsTheCallersChoice) {
  EXPECT_THAT(VirtiofsdCommand("d", "tree", "s", ExportCache::kAuto), Contains("--cache=auto"));
  EXPECT_THAT(VirtiofsdCommand("d", "tree", "s", ExportCache::kAlways), Contains("--cache=always"));
}

}  // namespace
}  // namespace blendbench
