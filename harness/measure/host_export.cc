// SPDX-License-Identifier: MIT
#include "harness/measure/host_export.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "harness/base/text.h"
#include "harness/guest/process.h"
#include "harness/host/engine_mount.h"
#include "harness/host/isolated.h"
#include "harness/host/loop_mount.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

constexpr double kLongestArm_s = 1e6;  // the outside decides when it is over
constexpr double kPoll_s = 0.01;
constexpr double kLinger_s = 3;             // a daemon whose connection has closed ends at once
constexpr double kUnmount_s = 60;           // writes out what is dirty
constexpr rlim_t kDescriptors = 1'000'000;  // one for each inode that the guest knows
constexpr size_t kMostWords = 300;
constexpr size_t kMostSocketBytes = sizeof(sockaddr_un::sun_path) - 1;
constexpr const char* kSocketName = "root.sock";

// A folder of this user's alone in which a socket's path is short enough: in the arm's own, or where temporary ones are.
Outcome<fs::path> PrivateFolder(const fs::path& scratch) {
  std::error_code ignored;
  for (const fs::path& place :
       {fs::absolute(scratch), fs::temp_directory_path(ignored), fs::path("/tmp")}) {
    std::string pattern = (place / "blendbench-XXXXXX").string();
    if (place.empty() || (fs::path(pattern) / kSocketName).string().size() > kMostSocketBytes)
      continue;
    if (::mkdtemp(pattern.data()) != nullptr) return fs::path(pattern);
  }
  return Unexpected("cannot make a folder for the socket of virtiofsd in " + scratch.string() +
                    " or /tmp");
}

// The end of what was said after `from`.
std::string LastWords(const fs::path& log, uintmax_t from) {
  std::ifstream file(log, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return CleanTail(text, 1, kMostWords);
}

// Overlayfs over layers on several file systems has numbers of its own for what is not a directory,
// and gives a copied file another: the daemon, which knows inodes by number and device, would take it
// for another file. With xino on they are constant.
EngineDescriptor Overlayfs() {
  EngineDescriptor engine;
  engine.name = "overlayfs";
  engine.kind = MountKind::kKernel;
  return engine;
}
constexpr const char* kOverlayOptions = "xino=on";

}  // namespace

// What happens in the namespaces: the first process there.
struct HostExport::Inside {
  ExportOrder order;
  fs::path base;  // a tmpfs with the mount points
  fs::path socket;
  int stop_fd;
  std::vector<fs::path> mounted;  // in the order they were made
  std::optional<EngineMount> merge;

  Outcome<void> Mount(const fs::path& image, const std::string& name, bool read_only) {
    const fs::path target = base / name;
    std::error_code error;
    if (!fs::create_directory(target, error)) return Unexpected("cannot make " + target.string());
    Outcome<void> done = MountImage(image, target, read_only, LoopCache::kDirect);
    if (done) mounted.push_back(target);
    return done;
  }

  Outcome<void> MountAll(Deadline deadline) {
    if (::mount("none", base.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") != 0)
      return Unexpected(ErrnoText("cannot mount a tmpfs at " + base.string()));
    MountOrder merging;
    for (size_t i = 0; i < order.lowers.size(); ++i) {
      // Short names: the options of a mount have to fit a page.
      if (Outcome<void> done = Mount(order.lowers[i], std::to_string(i), true); !done) return done;
      merging.lowers.push_back((base / std::to_string(i)).string());
    }
    if (Outcome<void> done = Mount(order.user, "user", false); !done) return done;
    merging.upper = (base / "user/upper").string();
    merging.work = (base / "user/work").string();
    merging.target = (base / "root").string();
    merging.options = kOverlayOptions;
    std::error_code ignored;
    fs::create_directory(merging.target, ignored);
    Outcome<EngineMount> done = MountEngine(Overlayfs(), merging, base.string(), deadline);
    if (!done) return Unexpected(done.error());
    merge = std::move(*done);
    return {};
  }

  Outcome<void> UnmountAll() {
    const Deadline deadline = Deadline::After(kUnmount_s);
    if (merge)
      if (Outcome<void> done = UnmountEngine(*merge, deadline); !done) return done;
    for (auto target = mounted.rbegin(); target != mounted.rend(); ++target)
      if (Outcome<void> done = Unmount(*target, deadline); !done) return done;
    return {};
  }

  // From its start to its end.
  Outcome<void> RunDaemon(const Say& say, Deadline start_deadline) {
    const rlimit descriptors{kDescriptors, kDescriptors};
    ::setrlimit(RLIMIT_NOFILE, &descriptors);  // where it may not, the daemon says how many it has
    std::error_code ignored;
    const uintmax_t said_before = fs::file_size(order.log, ignored);
    SpawnOptions options;
    options.stdout_fd = STDOUT_FILENO;
    options.stderr_fd = STDERR_FILENO;
    Outcome<Process> daemon = Process::Spawn(
        VirtiofsdCommand(order.virtiofsd, merge->target, socket, order.cache), options);
    if (!daemon) return Unexpected(daemon.error());

    EventLoop loop(nullptr);
    bool asked = false;
    loop.Watch(daemon->pidfd(), POLLIN, [](short) {});
    const auto ended = [&] { return daemon->TryWait().has_value(); };
    while (!ended() && !fs::exists(socket, ignored)) {
      if (start_deadline.passed()) return Unexpected("virtiofsd: its socket has not come");
      loop.RunUntil(ended, Deadline::After(kPoll_s));
    }
    if (!ended()) say({{"ready", true}});
    loop.Watch(stop_fd, POLLIN, [&](short) { asked = true; });
    loop.RunUntil([&] { return asked || ended(); }, Deadline::After(kLongestArm_s));
    if (!ended()) {
      ::kill(daemon->pid(), SIGTERM);
      loop.Forget(stop_fd);
      loop.RunUntil(ended, Deadline::After(kLinger_s));
      if (ended()) return {};
      daemon->Kill();
      return Unexpected("virtiofsd did not end and was killed");
    }
    if (daemon->TryWait()->ok()) return {};
    const std::string words = LastWords(order.log, said_before);
    return Unexpected(fmt::format("virtiofsd ended with {}{}{}", daemon->TryWait()->Text(),
                                  words.empty() ? "" : ": ", words));
  }

  Outcome<void> Work(const Say& say, Deadline start_deadline) {
    Outcome<void> done = MountAll(start_deadline);
    if (done) done = RunDaemon(say, start_deadline);
    const Outcome<void> unmounted = UnmountAll();
    return done ? unmounted : done;
  }
};

Outcome<std::unique_ptr<HostExport>> HostExport::Start(const ExportOrder& order,
                                                       const Interrupt* interrupt,
                                                       Deadline deadline) {
  std::unique_ptr<HostExport> made(new HostExport);
  Outcome<fs::path> folder = PrivateFolder(order.folder);
  if (!folder) return Unexpected(folder.error());
  made->folder_ = *folder;
  made->socket_ = made->folder_ / kSocketName;
  const fs::path base = made->folder_ / "m";
  std::error_code error;
  if (!fs::create_directory(base, error)) return Unexpected("cannot make " + base.string());
  made->stop_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!made->stop_) return Unexpected(ErrnoText("cannot make an eventfd"));

  ExportOrder placed = order;  // the inside changes its folder
  for (fs::path* path : {&placed.user, &placed.virtiofsd, &placed.log}) *path = fs::absolute(*path);
  for (fs::path& lower : placed.lowers) lower = fs::absolute(lower);
  Inside inside{std::move(placed), base, made->socket_, made->stop_.get(), {}, {}};
  auto work =
      IsolatedWork::Start([&](const Say& say) { return inside.Work(say, deadline); }, order.log);
  if (!work) return Unexpected(work.error());
  made->work_ = std::move(*work);
  bool ready = false;
  const auto hear = [&](const nlohmann::json& message) { ready |= message.contains("ready"); };
  const Wait wait = made->work_->HearUntil(
      hear, [&] { return ready; }, deadline, interrupt);
  if (wait != Wait::kDone) return Unexpected(std::string("virtiofsd: ") + WaitText(wait));
  if (!made->work_->ended()) return made;
  Outcome<void> result = made->work_->result();
  return Unexpected(result ? "virtiofsd ended before a guest came" : result.error());
}

HostExport::~HostExport() {
  work_.reset();
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Outcome<void> HostExport::Stop(Deadline deadline) {
  if (!work_) return {};
  const auto never = [] { return false; };
  const auto hear = [](const nlohmann::json&) {};
  work_->HearUntil(hear, never, deadline.Within(kLinger_s), nullptr);
  if (!work_->ended()) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
    work_->HearUntil(hear, never, deadline, nullptr);
  }
  Outcome<void> result =
      work_->ended() ? work_->result()
                     : Unexpected("virtiofsd and its mounts did not end in time and were killed");
  work_.reset();
  return result;
}

Outcome<void> HostExport::EvictFromHostCache() {
  ::sync();
  return DropCaches();
}

}  // namespace blendbench
