// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "harness/guest/console.h"
#include "harness/guest/markers.h"
#include "harness/guest/process.h"
#include "harness/tests/guest_fakes.h"

namespace blendbench {
namespace {

using testing::HasSubstr;

bool Alive(pid_t pid) { return ::kill(pid, 0) == 0; }

bool DiesWithin(pid_t pid, double seconds) {
  const Deadline deadline = Deadline::After(seconds);
  while (!deadline.passed()) {
    if (!Alive(pid)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(Process, AMissingProgramIsNamedWithTheRemedy) {
  Outcome<Process> process = Process::Spawn({"no-such-program-here"}, {});
  ASSERT_FALSE(process);
  EXPECT_THAT(process.error(), HasSubstr("no-such-program-here"));
  EXPECT_THAT(process.error(), HasSubstr("setup"));
}

TEST(Process, GoingOutOfScopeKillsTheWholeGroup) {
  pid_t pid;
  {
    Outcome<Process> process = Process::Spawn({"sh", "-c", "sleep 60 & sleep 60"}, {});
    ASSERT_TRUE(process) << process.error();
    pid = process->pid();
    EXPECT_FALSE(process->TryWait());
    EXPECT_TRUE(Alive(-pid));
  }
  EXPECT_TRUE(DiesWithin(-pid, 5));
}

TEST(Process, KillIsIdempotent) {
  Outcome<Process> process = Process::Spawn({"true"}, {});
  ASSERT_TRUE(process);
  process->Kill();
  process->Kill();
}

// A harness that is killed outright leaves no guest behind.
TEST(Process, DiesWithTheProcessThatStartedIt) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const pid_t harness = ::fork();
  if (harness == 0) {
    Outcome<Process> process = Process::Spawn({"sleep", "60"}, {});
    const pid_t child = process ? process->pid() : -1;
    [[maybe_unused]] const ssize_t written = ::write(fds[1], &child, sizeof child);
    ::pause();
    ::_exit(0);
  }
  pid_t child = -1;
  ASSERT_EQ(::read(fds[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  ASSERT_GT(child, 0);
  EXPECT_TRUE(Alive(child));
  ::kill(harness, SIGKILL);
  ::waitpid(harness, nullptr, 0);
  EXPECT_TRUE(DiesWithin(child, 5));
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(RunCommand, GivesOutputAndStatus) {
  Outcome<CommandResult> result =
      RunCommand({"sh", "-c", "echo out; echo err >&2; exit 7"}, Deadline::After(10), nullptr);
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->status.code, 7);
  EXPECT_EQ(result->output, "out\nerr\n");
}

TEST(RunCommand, ALongOutputIsCut) {
  Outcome<CommandResult> result =
      RunCommand({"head", "-c", "3000000", "/dev/zero"}, Deadline::After(10), nullptr);
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->output.size(), 1u << 20);
  EXPECT_TRUE(result->status.ok());
}

TEST(RunCommand, EndsAtItsDeadline) {
  const int64_t from_ns = MonotonicNs();
  Outcome<CommandResult> result = RunCommand({"sleep", "60"}, Deadline::After(0.2), nullptr);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error(), HasSubstr("timed out"));
  EXPECT_LT(SecondsBetween(from_ns, MonotonicNs()), 10);
}

TEST(RunCommand, CheckedQuotesTheLastLine) {
  Outcome<std::string> result =
      RunChecked({"sh", "-c", "echo one; echo the reason; exit 1"}, Deadline::After(10), nullptr);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error(), HasSubstr("the reason"));
}

TEST(Interrupt, ASignalWakesTheLoop) {
  Interrupt interrupt;
  interrupt.CatchSignals();
  EventLoop loop(&interrupt);
  ::raise(SIGTERM);
  EXPECT_EQ(loop.RunUntil([] { return false; }, Deadline::After(30)), Wait::kInterrupted);
  EXPECT_EQ(interrupt.signal(), SIGTERM);
}

TEST(Interrupt, AHangUpDoesAsWellUnlessNohupIgnoresIt) {
  ::signal(SIGHUP, SIG_IGN);
  {
    Interrupt interrupt;
    interrupt.CatchSignals();
    ::raise(SIGHUP);
    EXPECT_FALSE(interrupt.raised());
  }
  EXPECT_EQ(::signal(SIGHUP, SIG_DFL), SIG_IGN) << "it stays ignored";
  Interrupt interrupt;
  interrupt.CatchSignals();
  ::raise(SIGHUP);
  EXPECT_EQ(interrupt.signal(), SIGHUP);
}

TEST(Markers, AreStampedInOrderAndBounded) {
  FakePeer peer([](FakePeer::Line& line) {
    line.Write("I");
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    line.Write("m");
    line.Write(std::string(100'000, 'x'));
    line.Read();
  });
  EventLoop loop(nullptr);
  Markers markers(loop, peer.Take());
  loop.RunUntil([&] { return markers.all().size() == Markers::kMaxMarkers; }, Deadline::After(10));
  loop.RunUntil([] { return false; }, Deadline::After(0.1));
  EXPECT_EQ(markers.all().size(), Markers::kMaxMarkers);
  ASSERT_TRUE(markers.First('I') && markers.First('m'));
  EXPECT_GE(*markers.First('m') - *markers.First('I'), 20'000'000);
  EXPECT_FALSE(markers.First('R'));
}

TEST(Console, AFloodFillsNeitherDiskNorMemory) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("blendbench-console-" + std::to_string(::getpid()));
  FakePeer peer([](FakePeer::Line& line) {
    line.Write("first\n");
    for (int i = 0; i < 64; ++i) line.Write(std::string(16384, 'y'));
    line.Write("last words\n");
    line.Read();
  });
  EventLoop loop(nullptr);
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  Console console(loop, peer.Take(), std::move(file), 10'000);
  loop.RunUntil([&] { return console.tail().ends_with("last words\n"); }, Deadline::After(10));
  EXPECT_THAT(console.tail(), testing::EndsWith("last words\n"));
  EXPECT_LE(console.tail().size(), 64u * 1024);
  EXPECT_LT(std::filesystem::file_size(path), 11'000u);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace blendbench
