// SPDX-License-Identifier: MIT
#include "harness/host/engine_mount.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/guest/process.h"
#include "harness/host/loop_mount.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostOptionBytes = 4095;  // a page less its NUL
constexpr int kPoll_us = 5'000;

bool IsZombie(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  // "12 (name) Z ...": the name may hold anything, so from the right.
  const size_t close = text.rfind(')');
  return close == std::string::npos || text.compare(close, 3, ") Z") == 0;
}

// The type of the topmost mount at `target`; "" when nothing is mounted there.
std::string MountedType(const std::string& target) {
  std::ifstream file("/proc/self/mountinfo");
  std::string type;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word, place;
    for (int i = 0; i < 5; ++i) words >> place;  // the fifth is the mount point
    if (place != target) continue;
    while (words >> word && word != "-") {
    }
    words >> type;
  }
  return type;
}

std::string Relative(const std::string& path, const std::string& base) {
  return path.rfind(base + "/", 0) == 0 ? path.substr(base.size() + 1) : path;
}

Outcome<void> MountOverlay(const MountOrder& order, const std::string& base) {
  if (::chdir(base.c_str()) != 0) return Unexpected(ErrnoText("cannot enter " + base));
  std::string options = "lowerdir=";
  for (size_t i = 0; i < order.lowers.size(); ++i)
    options += (i == 0 ? "" : ":") + Relative(order.lowers[i], base);
  options += ",upperdir=" + Relative(order.upper, base) + ",workdir=" + Relative(order.work, base);
  if (!order.options.empty()) options += "," + order.options;
  int result = -1;
  std::string error = "overlayfs: the options are longer than a page";
  if (options.size() <= kMostOptionBytes) {
    result = ::mount("overlay", order.target.c_str(), "overlay", MS_NOATIME, options.c_str());
    error = ErrnoText("overlayfs refuses " + options.substr(0, 200));
  }
  if (::chdir("/") != 0) return Unexpected(ErrnoText("cannot leave " + base));
  if (result != 0) return Unexpected(error);
  return {};
}

void ReapOrphans() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

bool WaitForEnd(const std::vector<pid_t>& processes, Deadline deadline) {
  for (;;) {
    ReapOrphans();
    const std::vector<pid_t> alive = OtherProcesses();
    const bool gone = std::none_of(processes.begin(), processes.end(), [&](pid_t pid) {
      return std::find(alive.begin(), alive.end(), pid) != alive.end();
    });
    if (gone || deadline.passed()) return gone;
    ::usleep(kPoll_us);
  }
}

}  // namespace

std::vector<pid_t> OtherProcesses() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); }))
      continue;
    const pid_t pid = static_cast<pid_t>(std::stol(name));
    if (pid != ::getpid() && !IsZombie(pid)) pids.push_back(pid);
  }
  return pids;
}

double CpuSeconds(const std::vector<pid_t>& processes) {
  double sum = 0;
  for (const pid_t pid : processes) {
    clockid_t clock;
    timespec spent{};
    if (::clock_getcpuclockid(pid, &clock) == 0 && ::clock_gettime(clock, &spent) == 0)
      sum += static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
  }
  return sum;
}

double ChildrenCpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Outcome<EngineMount> MountEngine(const EngineDescriptor& engine, const MountOrder& order,
                                 const std::string& base, Deadline deadline) {
  if (engine.kind == MountKind::kBind) {
    if (Outcome<void> bound = BindMount(order.lowers.at(0), order.target); !bound)
      return Unexpected(bound.error());
  } else if (engine.kind == MountKind::kKernel) {
    if (Outcome<void> mounted = MountOverlay(order, base); !mounted)
      return Unexpected(mounted.error());
  } else {
    MountOrder placed = order;
    placed.images = base;
    const auto argv = MountCommand(engine, placed);
    if (!argv) return Unexpected(argv.error());
    if (Outcome<std::string> done = RunChecked(*argv, deadline, nullptr); !done)
      return Unexpected(done.error());
  }
  EngineMount mount{order.target, OtherProcesses(), MountedType(order.target)};
  if (mount.type.empty())
    return Unexpected(
        fmt::format("{}: it ended well, but {} is no mount point", engine.name, order.target));
  return mount;
}

Outcome<void> UnmountEngine(const EngineMount& mount, Deadline deadline) {
  const Outcome<void> unmounted = Unmount(mount.target, deadline);
  if (!unmounted) ::umount2(mount.target.c_str(), MNT_DETACH);
  if (unmounted && WaitForEnd(mount.daemons, deadline)) return {};
  for (const pid_t pid : mount.daemons) ::kill(pid, SIGKILL);
  WaitForEnd(mount.daemons, Deadline::After(5));
  if (!unmounted) return Unexpected(unmounted.error());
  return Unexpected("the daemon did not end after its file system was unmounted");
}

}  // namespace blendbench
