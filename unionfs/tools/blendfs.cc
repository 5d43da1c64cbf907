// SPDX-License-Identifier: MIT
// blendfs: mounts a union. Exit status: 0 mounted (with -f: unmounted), 1 it failed, 2 the command line is wrong.
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "unionfs/base/log.h"
#include "unionfs/fuse/session.h"
#include "unionfs/sys/calls.h"
#include "unionfs/tools/daemon.h"
#include "unionfs/tools/options.h"
#include "unionfs/tools/privileges.h"
#include "unionfs/tools/sandbox.h"

namespace {

using blendfs::tools::Options;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr std::chrono::seconds kBusyPatience{3};

int Complain(const std::string& problem, int code) {
  fprintf(stderr, "blendfs: %s\n", problem.c_str());
  return code;
}

// The mount point without symlinks and relative parts: it is needed again after the working directory is left.
bool MakeAbsolute(std::string& path) {
  std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), &free);
  if (!real) return false;
  path = real.get();
  return true;
}

void EnterBackground(const Options& options, blendfs::tools::Starter& starter) {
  blendfs::SetLogSink(options.root_file_system ? blendfs::LogSink::kKernel
                                               : blendfs::LogSink::kSyslog);
  blendfs::tools::DetachFromTerminal();
  starter.Ready();
}

// What `mount -o remount,...` asks for: flags only, the layers stay what they are.
int Remount(Options options) {
  blendfs::fuse::MountConfig& mount_config = options.session.mount;
  if (!MakeAbsolute(mount_config.target) || mount("none", mount_config.target.c_str(), nullptr,
                                                  MS_REMOUNT | mount_config.flags, nullptr) != 0) {
    return Complain("cannot remount " + mount_config.target + ": " + strerror(errno), kExitFailed);
  }
  return 0;
}

// Opens the layers. umount(8) returns before the daemon of that mount has synced its upper and let go of it,
// so one that is in use is given a moment.
blendfs::Result<blendfs::layer::Stack> OpenLayers(const blendfs::layer::StackConfig& config,
                                                  std::string* problem) {
  const auto give_up = std::chrono::steady_clock::now() + kBusyPatience;
  for (;;) {
    auto stack = blendfs::layer::Stack::Open(blendfs::sys::Real(), config, problem);
    const bool busy = !stack && stack.error().code == EBUSY;
    if (!busy || std::chrono::steady_clock::now() >= give_up) return stack;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

// Not for who unmounts by a program, fusermount3: an ordinary user, who has little to give up.
void EnterSandbox(const Options& options) {
  const auto in = blendfs::tools::EnterSandbox({.io_uring = options.session.io_uring});
  if (!in && in.error().code != ENOSYS)
    blendfs::LogWarning(std::string("any system call stays allowed (") + in.error().doing +
                        "): " + strerror(in.error().code));
}

int Mount(Options options) {
  std::string& target = options.session.mount.target;
  if (!MakeAbsolute(target))
    return Complain("mount point " + target + ": " + strerror(errno), kExitFailed);
  blendfs::tools::Starter starter;
  if (!options.foreground) starter = blendfs::tools::BecomeDaemon();
  blendfs::fuse::BlockSignals();
  // The other half is for files that are open.
  options.merge.most_descriptors =
      std::min<size_t>(options.descriptors, blendfs::tools::RaiseFileLimit() / 2);
  blendfs::tools::ShareOneHeap();
  if (options.session.statistics) blendfs::SetLogLevel(blendfs::LogLevel::kInfo);
  blendfs::sys::InitThread();
  blendfs::tools::DropPrivileges();  // acting for others was set up above, and stays

  std::string problem;
  auto stack = OpenLayers(options.stack, &problem);
  if (!stack) return Complain(problem, kExitFailed);
  auto fs = blendfs::merge::Union::Open(blendfs::sys::Real(), std::move(*stack), options.merge);
  if (!fs) {
    return Complain(std::string("cannot open the union (") + fs.error().doing +
                        "): " + strerror(fs.error().code),
                    kExitFailed);
  }
  if (options.root_file_system) blendfs::tools::ProtectForRoot();
  if (!options.foreground)
    options.session.ready = [&options, &starter] { EnterBackground(options, starter); };
  auto session =
      blendfs::fuse::Session::Mount(**fs, blendfs::sys::Real(), options.session, &problem);
  if (!session) return Complain(problem, kExitFailed);
  if ((*session)->mounted_directly()) EnterSandbox(options);
  if (auto ended = (*session)->Run(); !ended) {
    blendfs::LogError(std::string("ended by a failure (") + ended.error().doing +
                      "): " + strerror(ended.error().code));
    return kExitFailed;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  blendfs::tools::Invocation invocation{
      argc > 0 ? argv[0] : "", {argv + (argc > 0 ? 1 : 0), argv + argc}, geteuid() == 0};
  auto options = blendfs::tools::ParseOptions(invocation);
  if (!options) return Complain(options.error(), kExitUsage);
  if (options->action == Options::Action::kHelp) {
    fputs(blendfs::tools::Usage().c_str(), stdout);
    return 0;
  }
  if (options->action == Options::Action::kVersion) {
    puts("blendfs " BLENDFS_VERSION);
    return 0;
  }
  if (options->action == Options::Action::kNothing) return 0;
  if (options->action == Options::Action::kRemount) return Remount(std::move(*options));
  for (const std::string& note : options->notes)
    fprintf(stderr, "blendfs: note: %s\n", note.c_str());
  return Mount(std::move(*options));
}
