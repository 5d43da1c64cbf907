// SPDX-License-Identifier: MIT
#include "harness/measure/crowd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/hostile.h"
#include "harness/measure/arm_session.h"

namespace blendbench {
namespace {

constexpr double kStartS = 30;
constexpr double kAgentS = 120;
constexpr double kMiB = 1 << 20;
// A window that is mapped at a time: the answer takes a byte a page.
constexpr size_t kWindow = size_t{1} << 30;

// Each user reads the system and a large file of it, and leaves a file of his own in either place.
constexpr char kMark[] = "blendbench-user-";

std::string WorkScript(size_t number) {
  const std::string name = kMark + std::to_string(number);
  return "set -e; ls -lR /usr >/dev/null; cat /usr/share/blend/data.bin >/dev/null; echo " +
         std::to_string(number) + " >/etc/" + name + "; echo " + std::to_string(number) +
         " >/home/user/" + name + "; sync";
}

std::string NumberedConsole(const std::string& console, size_t number) {
  if (number == 0) return console;
  return console.substr(0, console.rfind(".log")) + "-" + std::to_string(number) + ".log";
}

Outcome<uint64_t> CachedPages(int fd, off_t offset, size_t bytes, size_t page) {
  void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, offset);
  if (mapped == MAP_FAILED) return Unexpected(ErrnoText("mmap"));
  std::vector<unsigned char> pages((bytes + page - 1) / page);
  const int looked = ::mincore(mapped, bytes, pages.data());
  const std::string why = looked == 0 ? "" : ErrnoText("mincore");
  ::munmap(mapped, bytes);
  if (looked != 0) return Unexpected(why);
  return static_cast<uint64_t>(
      std::count_if(pages.begin(), pages.end(), [](unsigned char one) { return (one & 1) != 0; }));
}

}  // namespace

Outcome<uint64_t> CachedBytes(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return uint64_t{0};
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto size = static_cast<uint64_t>(status.st_size);
  uint64_t pages = 0;
  for (uint64_t at = 0; at < size; at += kWindow) {
    const size_t bytes = static_cast<size_t>(std::min<uint64_t>(kWindow, size - at));
    const Outcome<uint64_t> found = CachedPages(fd.get(), static_cast<off_t>(at), bytes, page);
    if (!found) return Unexpected(path + ": " + found.error());
    pages += *found;
  }
  return pages * page;
}

Outcome<uint64_t> ProportionalBytes(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/smaps_rollup";
  const Result<std::string> text = ReadFile(path);
  if (!text) return Unexpected(text.error().message);
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    uint64_t kib = 0;
    if (line.starts_with("Pss:") && std::istringstream(line.substr(4)) >> kib) return kib * 1024;
  }
  return Unexpected(path + " tells no Pss");
}

std::vector<DiskRole> CrowdRoles(const Arm& arm) {
  std::vector<DiskRole> roles = DiskRoles(arm, false);
  if (arm.layout == Layout::kMonolithic)
    for (DiskRole& role : roles) role.copied = role.per_user;
  return roles;
}

uint64_t CrowdCopies(const Experiment& experiment, const ImageSet& images) {
  uint64_t most = 0;
  if (!experiment.crowd) return most;
  for (const Arm& arm : experiment.arms) {
    uint64_t bytes = 0;
    for (const DiskRole& role : CrowdRoles(arm))
      if (role.copied) bytes += images.at(role.image).bytes;
    most = std::max(most, bytes * static_cast<uint64_t>(arm.guest.guests));
  }
  return most;
}

Crowd::Crowd(const ArmSettings& settings, const Arm& arm, std::vector<CloneSet>& clones,
             Progress& progress, const Interrupt* interrupt, Sample& sample)
    : settings_(settings),
      arm_(arm),
      clones_(clones),
      progress_(progress),
      interrupt_(interrupt),
      sample_(sample) {}

Outcome<void> Crowd::Start(size_t number, const std::string& console) {
  phase_ = "start";
  Outcome<MachineSpec> spec = MachineFor(settings_, arm_, clones_[number].disks());
  if (!spec) return Unexpected(spec.error());
  const GuestFiles files{
      .console_log = settings_.run_folder / NumberedConsole(console, number),
      .qemu_log = settings_.scratch / ("qemu-" + std::to_string(number) + ".log")};
  Outcome<std::unique_ptr<Guest>> guest =
      Guest::Start(*spec, files, interrupt_, Deadline::After(kStartS));
  if (!guest) return Unexpected(guest.error());
  guests_.push_back(std::move(*guest));
  phase_ = "boot";
  const Deadline limit = Deadline::After(settings_.experiment.guest.boot_timeout_s);
  if (Outcome<void> booted = guests_[number]->Boot('R', limit); !booted) return booted;
  phase_ = "agent";
  return guests_[number]->agent().Connect(Deadline::After(kAgentS));
}

Outcome<void> Crowd::Work(size_t number) {
  phase_ = "work";
  Outcome<std::string> done = guests_[number]->agent().RunScript(
      WorkScript(number), Deadline::After(settings_.experiment.guest.job_timeout_s));
  if (!done) return Unexpected(done.error());
  return {};
}

Outcome<void> Crowd::CheckIsolation() {
  phase_ = "promises";
  std::string seen;
  for (current_ = 0; current_ < guests_.size(); ++current_) {
    const std::string own = kMark + std::to_string(current_);
    Outcome<std::string> listed = guests_[current_]->agent().RunScript(
        std::string("ls -d /etc/") + kMark + "* /home/user/" + kMark + "*",
        Deadline::After(settings_.experiment.guest.job_timeout_s));
    if (!listed) return Unexpected(listed.error());
    if (*listed != "/etc/" + own + "\n/home/user/" + own + "\n" && seen.empty())
      seen = "user " + std::to_string(current_) + " sees " +
             Truncate(OneLine(CleanText(*listed)), 200);
  }
  const std::string count = std::to_string(guests_.size());
  sample_.promises.push_back({"isolation", seen.empty(),
                              seen.empty() ? "each of " + count + " sees its own files" : seen});
  return {};
}

Outcome<void> Crowd::Count() {
  phase_ = "count";
  std::set<std::string> files;
  uint64_t shared = 0, per_users = 0, cached = 0, own = 0;
  for (const CloneSet& clones : clones_) {
    const Storage storage = clones.OnDisk();
    shared = storage.shared;
    per_users += storage.per_user;
    for (const Disk& disk : clones.disks())
      for (const std::string& path : {disk.image, disk.overlay, disk.clone})
        if (!path.empty()) files.insert(path);
  }
  for (const std::string& path : files) {
    const Outcome<uint64_t> bytes = CachedBytes(path);
    if (!bytes) return Unexpected(bytes.error());
    cached += *bytes;
  }
  for (const auto& guest : guests_) {
    const Outcome<uint64_t> bytes = ProportionalBytes(guest->pid());
    if (!bytes) return Unexpected(bytes.error());
    own += *bytes;
  }
  sample_.metrics["memory.cache_mib"] = static_cast<double>(cached) / kMiB;
  sample_.metrics["memory.guests_mib"] = static_cast<double>(own) / kMiB;
  sample_.metrics["storage.on_disk_mib"] = static_cast<double>(shared + per_users) / kMiB;
  sample_.raw["storage"] = {{"shared_bytes", shared},
                            {"per_user_bytes", per_users / clones_.size()},
                            {"users", clones_.size()}};
  return {};
}

Outcome<void> Crowd::PowerOff() {
  phase_ = "poweroff";
  for (current_ = 0; current_ < guests_.size(); ++current_) {
    const Deadline limit = Deadline::After(settings_.experiment.guest.poweroff_timeout_s);
    if (Outcome<double> off = guests_[current_]->PowerOff(limit); !off)
      return Unexpected(off.error());
  }
  return {};
}

void Crowd::Run(const std::string& console) {
  Outcome<void> going;
  // One after the other: the next one finds in the host's cache what those before it have read.
  for (current_ = 0; going && current_ < clones_.size(); ++current_) {
    progress_.Phase("guest " + std::to_string(current_ + 1));
    going = Start(current_, console);
    if (going) going = Work(current_);
    if (!going) break;
  }
  if (going) going = CheckIsolation();
  if (going) going = Count();
  progress_.Phase("poweroff");
  if (going) going = PowerOff();
  const size_t at = std::min(current_, guests_.empty() ? 0 : guests_.size() - 1);
  if (!going) {
    sample_.status = SampleStatus::kFailed;
    Failure failure;
    failure.phase = phase_;
    failure.reason = CleanTail("guest " + std::to_string(current_ + 1) + " of " +
                                   std::to_string(clones_.size()) + ": " + going.error(),
                               1, 1000);
    failure.console_tail = guests_.empty() ? "" : CleanTail(guests_[at]->console_tail());
    failure.console = NumberedConsole(console, at);
    sample_.failure = std::move(failure);
  }
  for (const auto& guest : guests_) {
    if (guest->host_disk_full())
      host_error_ = Error{ExitCode::kEnvironment,
                          settings_.scratch.string() + ": no space left while " + arm_.id +
                              " ran; free some, then run it again with --resume"};
    guest->Stop();
  }
  guests_.clear();
}

}  // namespace blendbench
