// SPDX-License-Identifier: MIT
#include "harness/measure/tuning.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/base/files.h"
#include "harness/base/text.h"
#include "harness/guest/hostile.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& path) { return FirstLine(path).value_or(""); }

// Files of /sys and /proc take a value in one write and answer with an error then.
bool Write(const fs::path& path, const std::string& value) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC);
  if (fd < 0) return false;
  const bool written =
      ::write(fd, value.data(), value.size()) == static_cast<ssize_t>(value.size());
  return ::close(fd) == 0 && written;
}

Result<int> Lock(const fs::path& record) {
  const fs::path path = record.string() + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return tl::unexpected(FileError("open", path, errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  return Fail(
      ExitCode::kEnvironment,
      path.string() + ": another blendbench tunes this machine; wait for it, or leave --tune out");
}

// With the lock held.
Result<std::vector<std::string>> PutBack(const fs::path& record, const fs::path& root) {
  std::vector<std::string> lines;
  std::error_code error;
  if (!fs::exists(record, error)) return lines;
  const Result<std::string> text = ReadFile(record);
  if (!text) return tl::unexpected(text.error());
  const auto before = ParseHostileJson(*text);
  if (!before || !before->is_array())
    return Fail(ExitCode::kEnvironment, record.string() + ": damaged; look at it, then remove it");
  std::vector<std::string> failed;
  for (const nlohmann::json& entry : *before) {
    const auto path = StringMember(entry, "path"), value = StringMember(entry, "before");
    if (!path || !value) continue;
    if (Read(root / *path) == *value) continue;
    if (Write(root / *path, *value)) {
      lines.push_back(fmt::format("{} is {} again", *path, *value));
    } else {
      failed.push_back(*path);
    }
  }
  if (!failed.empty())
    return Fail(ExitCode::kEnvironment, fmt::format("cannot put back {}; {} says what it was",
                                                    Join(failed, ", "), record.string()));
  fs::remove(record, error);
  if (error) return tl::unexpected(FileError("remove", record, error.value()));
  return lines;
}

}  // namespace

fs::path TuningRecord() { return "/run/blendbench-tuning.json"; }

std::vector<Setting> KnownSettings(const fs::path& root) {
  std::vector<Setting> all;
  std::error_code error;
  const fs::path cpus = "sys/devices/system/cpu";
  for (int cpu = 0;; ++cpu) {
    if (!fs::exists(root / cpus / fmt::format("cpu{}", cpu), error)) break;
    all.push_back({fmt::format("governor of processor {}", cpu),
                   cpus / fmt::format("cpu{}/cpufreq/scaling_governor", cpu), "performance",
                   "a clock that follows the load makes short work slow"});
  }
  all.push_back({"turbo (Intel)", cpus / "intel_pstate/no_turbo", "1",
                 "turbo depends on temperature and on what other processors do"});
  all.push_back({"turbo", cpus / "cpufreq/boost", "0",
                 "turbo depends on temperature and on what other processors do"});
  all.push_back(
      {"KSM", "sys/kernel/mm/ksm/run", "0", "merging pages takes processor time at any moment"});
  all.push_back({"halt polling (ns)", "sys/module/haltpoll/parameters/guest_halt_poll_ns", "200000",
                 "a virtual processor that halts at once takes 20 us and more to wake"});
  all.push_back({"ASLR", "proc/sys/kernel/randomize_va_space", "0",
                 "other addresses in each start, other collisions in caches"});
  all.push_back(
      {"NUMA balancing", "proc/sys/kernel/numa_balancing", "0", "moves memory while it is used"});
  all.push_back(
      {"NMI watchdog", "proc/sys/kernel/nmi_watchdog", "0", "interrupts every processor"});
  std::vector<Setting> here;
  for (Setting& setting : all)
    if (fs::exists(root / setting.path, error)) here.push_back(std::move(setting));
  return here;
}

Result<Tuning> Tuning::Apply(const fs::path& record, const fs::path& root) {
  Tuning tuning;
  tuning.record_ = record;
  tuning.root_ = root;
  Result<int> lock = Lock(record);
  if (!lock) return tl::unexpected(lock.error());
  tuning.lock_fd_ = *lock;
  Result<std::vector<std::string>> left = PutBack(record, root);
  if (!left) return tl::unexpected(left.error());
  for (const std::string& line : *left)
    tuning.notes_.push_back("left by a killed blendbench: " + line);

  nlohmann::json before = nlohmann::json::array();
  std::vector<Setting> changes;
  for (Setting& setting : KnownSettings(root)) {
    const std::string value = Read(root / setting.path);
    if (value.empty() || value == setting.wanted) continue;
    before.push_back({{"path", setting.path.string()}, {"before", value}});
    changes.push_back(std::move(setting));
  }
  if (changes.empty()) return tuning;
  if (Result<void> kept = WriteFileAtomic(record, before.dump(1) + "\n"); !kept)
    return tl::unexpected(kept.error());
  for (size_t i = 0; i < changes.size(); ++i) {
    const Setting& setting = changes[i];
    const std::string value = before[i]["before"];
    tuning.notes_.push_back(Write(root / setting.path, setting.wanted)
                                ? fmt::format("{}: {} -> {}", setting.name, value, setting.wanted)
                                : fmt::format("{}: stays {}, it cannot be written (are you root?)",
                                              setting.name, value));
  }
  return tuning;
}

Tuning::Tuning(Tuning&& other) noexcept
    : record_(std::move(other.record_)),
      root_(std::move(other.root_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)),
      notes_(std::move(other.notes_)) {}

Tuning::~Tuning() {
  if (lock_fd_ < 0) return;
  // What cannot be put back stays in the record, which the next one finds.
  (void)PutBack(record_, root_);
  ::close(lock_fd_);
}

Result<std::vector<std::string>> RestoreTuning(const fs::path& record, const fs::path& root) {
  std::error_code error;
  if (!fs::exists(record, error)) return std::vector<std::string>();
  Result<int> lock = Lock(record);
  if (!lock) return tl::unexpected(lock.error());
  Result<std::vector<std::string>> lines = PutBack(record, root);
  ::close(*lock);
  return lines;
}

}  // namespace blendbench
