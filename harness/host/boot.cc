// SPDX-License-Identifier: MIT
#include "harness/host/boot.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "harness/base/files.h"
#include "harness/guest/event_loop.h"
#include "harness/guest/process.h"
#include "harness/host/engine_mount.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

// What the container's init may take to end in order.
constexpr double kPowerOff_s = 30;

// A datagram socket that systemd-nspawn tells what its container tells it.
Outcome<Fd> ListenAt(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Unexpected(path + ": too long for a socket; choose a shorter --out");
  std::error_code ignored;
  fs::remove(path, ignored);
  memcpy(address.sun_path, path.c_str(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Unexpected(ErrnoText("cannot listen at " + path));
  return fd;
}

bool SaysReady(int fd) {
  char buffer[4096];
  ssize_t got;
  bool ready = false;
  while ((got = ::recv(fd, buffer, sizeof buffer, 0)) > 0) {
    const std::string text = "\n" + std::string(buffer, static_cast<size_t>(got)) + "\n";
    ready = ready || text.find("\nREADY=1\n") != std::string::npos;
  }
  return ready;
}

// systemd-nspawn takes a credential's value with its escapes undone.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n') {
      escaped += "\\n";
    } else if (c == '\\') {
      escaped += "\\\\";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::vector<std::string> NspawnCommand(const std::string& nspawn, const std::string& root,
                                       const Handicap& handicap) {
  std::vector<std::string> argv = {
      nspawn, "--quiet", "--directory=" + root, "--boot", "--register=no", "--keep-unit",
      "--notify-ready=yes", "--machine=blendbench", "--link-journal=no", "--resolv-conf=off",
      "--timezone=off", "--console=pipe",
      // The rest goes to the container's init. Its mark is an I/O port of a virtual machine.
      "systemd.mask=blend-ready.service"};
  if (handicap.boot_delay_s > 0 || handicap.boot_work > 0) {
    argv.insert(argv.end() - 1, std::string("--set-credential=systemd.extra-unit.") + kBootUnit +
                                    ":" + Escaped(BootUnitText(handicap)));
    argv.push_back(std::string("systemd.wants=") + kBootUnit);
  }
  return argv;
}

Outcome<void> Expect(bool holds, const char* what) {
  if (!holds) return Unexpected(std::string("the merged tree is wrong: ") + what);
  return {};
}

}  // namespace

Outcome<BootTimes> BootContainer(const std::string& nspawn, const std::string& root,
                                 const std::string& notify_socket, const Handicap& handicap,
                                 Deadline deadline) {
  Outcome<Fd> socket = ListenAt(notify_socket);
  if (!socket) return Unexpected(socket.error());
  ::setenv("NOTIFY_SOCKET", notify_socket.c_str(), 1);
  SpawnOptions options;
  options.stdout_fd = STDOUT_FILENO;  // the sample's console log
  options.stderr_fd = STDERR_FILENO;
  const double cpu_from_s = ChildrenCpuSeconds();
  const int64_t from_ns = MonotonicNs();
  Outcome<Process> process = Process::Spawn(NspawnCommand(nspawn, root, handicap), options);
  ::unsetenv("NOTIFY_SOCKET");
  if (!process) return Unexpected(process.error());

  BootTimes times;
  bool ready = false, ended = false;
  EventLoop loop(nullptr);
  loop.Watch(socket->get(), POLLIN, [&](short) {
    if (!SaysReady(socket->get()) || ready) return;
    ready = true;
    times.ready_s = SecondsBetween(from_ns, MonotonicNs());
  });
  loop.Watch(process->pidfd(), POLLIN, [&](short) { ended = true; });
  const Wait booted = loop.RunUntil([&] { return ready || ended; }, deadline);
  if (booted != Wait::kDone) return Unexpected(std::string("the boot ") + WaitText(booted));
  if (!ready) {
    const auto status = process->TryWait();
    return Unexpected("systemd-nspawn ended before the container was ready: " +
                      (status ? status->Text() : "no status"));
  }
  const int64_t ready_ns = MonotonicNs();
  ::kill(process->pid(), SIGTERM);  // systemd-nspawn asks the container's init to power off
  const Wait off =
      loop.RunUntil([&] { return process->TryWait().has_value(); }, deadline.Within(kPowerOff_s));
  if (off != Wait::kDone) return Unexpected(std::string("the power-off ") + WaitText(off));
  if (!process->TryWait()->ok())
    return Unexpected("the container ended with " + process->TryWait()->Text());
  times.poweroff_s = SecondsBetween(ready_ns, MonotonicNs());
  times.caller_cpu_s = ChildrenCpuSeconds() - cpu_from_s;
  return times;
}

Outcome<void> CheckMergedTree(const std::string& root) {
  std::error_code error;
  auto there = [&](const char* path) { return fs::exists(fs::symlink_status(root + path, error)); };
  const Result<std::string> site = ReadFile(root + "/etc/blend/site.conf");
  Outcome<void> good = Expect(site && site->find("origin=user") != std::string::npos,
                              "the user's /etc/blend/site.conf does not win");
  if (good)
    good = Expect(!there("/usr/share/blend/obsolete.txt"), "a file the user deleted is there");
  if (good) good = Expect(there("/home/user/notes.txt"), "the user's home is not there");
  if (good) good = Expect(there("/usr/lib/systemd/systemd"), "the system image is not there");
  return good;
}

}  // namespace blendbench
