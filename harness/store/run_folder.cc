// SPDX-License-Identifier: MIT
#include "harness/store/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "harness/base/files.h"
#include "harness/base/json_text.h"
#include "harness/base/text.h"
#include "harness/store/samples_file.h"

namespace blendbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using StepKey = std::pair<int, std::string>;

Error Damaged(const fs::path& path, const std::string& problem) {
  return {ExitCode::kEnvironment,
          fmt::format("{}: {}; restore the file from a copy, or start a new run", path.string(),
                      problem)};
}

Result<json> ReadJson(const fs::path& path) {
  auto text = ReadFile(path);
  if (!text) return tl::unexpected(text.error());
  auto value = ParseJson(*text);
  if (!value) return tl::unexpected(Damaged(path, value.error()));
  return std::move(*value);
}

// Appends at the end or leaves the file as it was.
Result<void> AppendWhole(int fd, const fs::path& path, std::string_view bytes) {
  const off_t before = lseek(fd, 0, SEEK_END);
  if (before < 0) return tl::unexpected(FileError("append to", path, errno));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    done += static_cast<size_t>(written);
  }
  if (done == bytes.size() && fsync(fd) == 0) return {};
  const int error_number = errno;
  if (ftruncate(fd, before) != 0) {
    return tl::unexpected(FileError("take back a half-written line of", path, errno));
  }
  return tl::unexpected(FileError("append to", path, error_number));
}

constexpr std::chrono::seconds kRemainsLimit{30};
constexpr std::chrono::milliseconds kRemainsPause{100};

// Whether no process has this number any more.
bool IsGone(const char* pid) {
  const long number = std::strtol(pid, nullptr, 10);
  return number > 0 && kill(static_cast<pid_t>(number), 0) != 0 && errno == ESRCH;
}

bool AllFinite(const Sample& sample) {
  return std::isfinite(sample.duration_s) &&
         std::all_of(sample.metrics.begin(), sample.metrics.end(),
                     [](const auto& metric) { return std::isfinite(metric.second); });
}

}  // namespace

RunFolder::RunFolder(RunFolder&& other) noexcept
    : dir_(std::move(other.dir_)),
      plan_(std::move(other.plan_)),
      plan_sha256_(std::move(other.plan_sha256_)),
      claims_text_(std::move(other.claims_text_)),
      environment_(std::move(other.environment_)),
      samples_(std::move(other.samples_)),
      warnings_(std::move(other.warnings_)),
      only_block_(other.only_block_),
      lock_fd_(std::exchange(other.lock_fd_, -1)),
      samples_fd_(std::exchange(other.samples_fd_, -1)) {}

RunFolder& RunFolder::operator=(RunFolder&& other) noexcept {
  dir_ = std::move(other.dir_);
  plan_ = std::move(other.plan_);
  plan_sha256_ = std::move(other.plan_sha256_);
  claims_text_ = std::move(other.claims_text_);
  environment_ = std::move(other.environment_);
  samples_ = std::move(other.samples_);
  warnings_ = std::move(other.warnings_);
  only_block_ = other.only_block_;
  std::swap(lock_fd_, other.lock_fd_);
  std::swap(samples_fd_, other.samples_fd_);
  return *this;
}

RunFolder::~RunFolder() {
  if (samples_fd_ >= 0) close(samples_fd_);
  if (lock_fd_ >= 0) close(lock_fd_);  // releases the flock; the file stays, removing it would race
}

Result<RunFolder> RunFolder::Create(const fs::path& runs_dir, const std::string& run_id,
                                    const Plan& plan, const std::string& spec_text,
                                    const std::string& claims_text) {
  const fs::path dir = runs_dir / run_id;
  std::error_code error;
  if (fs::exists(dir / "plan.json", error)) {
    return Fail(
        ExitCode::kUsage,
        fmt::format(
            "{}: the run exists already; add --resume to continue it, or choose another --run",
            dir.string()));
  }
  fs::create_directories(dir / "console", error);
  if (error) return tl::unexpected(FileError("create", dir, error.value()));
  RunFolder run;
  run.dir_ = dir;
  if (auto locked = run.TakeLock(); !locked) return tl::unexpected(locked.error());
  const std::string plan_text = ToJson(plan).dump();
  // plan.json comes last: a folder that has it is complete.
  for (const auto& [name, text] :
       {std::pair<const char*, const std::string&>{"spec.toml", spec_text},
        {"claims.toml", claims_text},
        {"plan.json", plan_text}}) {
    if (auto written = WriteFileAtomic(dir / name, text); !written) {
      return tl::unexpected(written.error());
    }
  }
  run.plan_ = plan;
  run.plan_sha256_ = Sha256Hex(plan_text);
  run.claims_text_ = claims_text;
  if (auto opened = run.OpenSamples(); !opened) return tl::unexpected(opened.error());
  return run;
}

Result<RunFolder> RunFolder::OpenForWriting(const fs::path& run_dir) { return Load(run_dir, true); }

Result<RunFolder> RunFolder::OpenForReading(const fs::path& run_dir) {
  return Load(run_dir, false);
}

Result<RunFolder> RunFolder::Load(const fs::path& run_dir, bool writable) {
  std::error_code ignored;
  if (!fs::exists(run_dir / "plan.json", ignored)) {
    return Fail(
        ExitCode::kUsage,
        fmt::format(
            "{}: no such run (it has no plan.json); `blendbench list` names the runs there are",
            run_dir.string()));
  }
  RunFolder run;
  run.dir_ = run_dir.has_filename() ? run_dir : run_dir.parent_path();
  if (writable) {
    if (auto locked = run.TakeLock(); !locked) return tl::unexpected(locked.error());
  }
  auto plan_text = ReadFile(run_dir / "plan.json");
  if (!plan_text) return tl::unexpected(plan_text.error());
  auto plan_json = ReadJson(run_dir / "plan.json");
  if (!plan_json) return tl::unexpected(plan_json.error());
  auto plan = PlanFromJson(*plan_json);
  if (!plan) return tl::unexpected(Damaged(run_dir / "plan.json", plan.error()));
  run.plan_ = std::move(*plan);
  run.plan_sha256_ = Sha256Hex(*plan_text);
  auto claims = ReadFile(run_dir / "claims.toml");
  if (!claims) return tl::unexpected(claims.error());
  if (Sha256Hex(*claims) != run.plan_.claims_sha256) {
    return tl::unexpected(Damaged(run_dir / "claims.toml",
                                  "is not the file the plan was made with (its digest differs)"));
  }
  run.claims_text_ = std::move(*claims);
  if (fs::exists(run_dir / "environment.json", ignored)) {
    auto object = ReadJson(run_dir / "environment.json");
    if (!object) return tl::unexpected(object.error());
    try {
      run.environment_ = EnvironmentFromJson(*object);
    } catch (const std::exception& error) {
      return tl::unexpected(Damaged(run_dir / "environment.json", error.what()));
    }
  }
  if (auto loaded = run.LoadSamples(writable); !loaded) return tl::unexpected(loaded.error());
  return run;
}

Result<void> RunFolder::TakeLock() {
  const fs::path path = dir_ / "lock";
  lock_fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_fd_ < 0) return tl::unexpected(FileError("lock", path, errno));
  const auto limit = std::chrono::steady_clock::now() + kRemainsLimit;
  while (flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return tl::unexpected(FileError("lock", path, errno));
    char holder[32] = {};
    const ssize_t length = pread(lock_fd_, holder, sizeof holder - 1, 0);
    // The lock outlives a blendbench that was killed until its helpers have taken their mounts down.
    if (length > 0 && IsGone(holder) && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(kRemainsPause);
      continue;
    }
    return Fail(ExitCode::kEnvironment,
                fmt::format("{}: blendbench process {} works on this run; wait for it to end",
                            dir_.string(), length > 0 ? holder : "(unknown)"));
  }
  const std::string pid = std::to_string(getpid());
  const bool noted = ftruncate(lock_fd_, 0) == 0 && pwrite(lock_fd_, pid.data(), pid.size(), 0) ==
                                                        static_cast<ssize_t>(pid.size());
  if (!noted) return tl::unexpected(FileError("write", path, errno));
  return {};
}

Result<void> RunFolder::OpenSamples() {
  const fs::path path = dir_ / "samples.jsonl";
  samples_fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (samples_fd_ < 0) return tl::unexpected(FileError("open", path, errno));
  return {};
}

Result<void> RunFolder::SetAside(int line, std::string_view bytes, const std::string& problem) {
  const fs::path path = dir_ / "samples.corrupt";
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    auto known = ReadFile(path);
    if (known && known->find(bytes) != std::string::npos) return {};
  }
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return tl::unexpected(FileError("write", path, errno));
  auto appended =
      AppendWhole(fd, path, fmt::format("# samples.jsonl:{}: {}\n{}\n", line, problem, bytes));
  close(fd);
  return appended;
}

Result<void> RunFolder::LoadSamples(bool writable) {
  const fs::path path = dir_ / "samples.jsonl";
  std::string content;
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    auto read = ReadFile(path);
    if (!read) return tl::unexpected(read.error());
    content = std::move(*read);
  }
  SamplesFile file = ParseSamples(content);
  if (writable) {
    if (auto opened = OpenSamples(); !opened) return opened;
    for (const DamagedLine& damaged : file.damaged) {
      auto kept = SetAside(damaged.line, damaged.bytes, damaged.problem);
      if (!kept) return kept;
    }
    if (file.torn) {
      auto kept = SetAside(file.tail.line, file.tail.bytes, "torn: " + file.tail.problem);
      if (!kept) return kept;
      if (ftruncate(samples_fd_, static_cast<off_t>(file.tail.offset)) != 0) {
        return tl::unexpected(FileError("cut the torn line off", path, errno));
      }
    } else if (file.unterminated) {
      if (auto ended = AppendWhole(samples_fd_, path, "\n"); !ended) return ended;
    }
  }
  std::set<StepKey> planned, seen;
  std::vector<Warning> left_out;
  for (const Step& step : plan_.steps) planned.emplace(step.block, step.arm);
  for (size_t i = 0; i < file.samples.size(); ++i) {
    Sample& sample = file.samples[i];
    const StepKey key{sample.block, sample.arm};
    const bool wanted = planned.count(key) != 0;
    if (wanted && seen.insert(key).second) {
      samples_.push_back(std::move(sample));
      continue;
    }
    left_out.push_back(
        {wanted ? WarningKind::kDuplicateSample : WarningKind::kUnplannedSample,
         fmt::format("{}:{}", path.string(), file.lines[i]),
         fmt::format("{} of block {}, arm {}", wanted ? "a second sample" : "an unplanned sample",
                     key.first, CleanText(key.second)),
         wanted ? "left out; the first one counts" : "left out"});
  }
  WarnOfUnreadable(file, writable);
  warnings_.insert(warnings_.end(), left_out.begin(), left_out.end());
  WarnOfForeign();
  return {};
}

void RunFolder::WarnOfForeign() {
  size_t foreign = 0;
  const Sample* first = nullptr;
  for (const Sample& sample : samples_) {
    const json& told = sample.provenance;
    if (!told.contains("plan_sha256") || told["plan_sha256"] == plan_sha256_) continue;
    if (foreign++ == 0) first = &sample;
  }
  if (foreign == 0) return;
  warnings_.push_back(
      {WarningKind::kForeignSample, (dir_ / "samples.jsonl").string(),
       fmt::format("{} samples, the first that of block {}, arm {}, were measured by another plan",
                   foreign, first->block, CleanText(first->arm)),
       "they count; do not trust what is concluded from them"});
}

void RunFolder::WarnOfUnreadable(const SamplesFile& file, bool writable) {
  if (file.damaged.empty() && !file.torn) return;
  const std::string path = (dir_ / "samples.jsonl").string();
  // Which step an unreadable line belonged to cannot be told, but when none is pending it has its sample.
  const bool whole = PendingSteps().empty();
  const auto aside = ReadFile(dir_ / "samples.corrupt");
  const auto repaired = [&](const DamagedLine& line) {
    return whole && aside && aside->find(fmt::format("\n{}\n", line.bytes)) != std::string::npos;
  };
  const auto remedy = [&](const DamagedLine& line) {
    if (repaired(line)) return "kept in samples.corrupt; every step has its sample";
    if (writable) return "kept in samples.corrupt, its step runs again";
    if (whole)
      return "left out here, every step has its sample; `blendbench run ... --resume` sets it "
             "aside";
    return "left out here; `blendbench run ... --resume` measures its step again";
  };
  for (const DamagedLine& damaged : file.damaged)
    warnings_.push_back({repaired(damaged) ? WarningKind::kRepairedLine : WarningKind::kDamagedLine,
                         fmt::format("{}:{}", path, damaged.line), damaged.problem,
                         remedy(damaged)});
  if (file.torn)
    warnings_.push_back({WarningKind::kTornLine, fmt::format("{}:{}", path, file.tail.line),
                         "the last line is torn", remedy(file.tail)});
}

std::vector<Step> RunFolder::Steps() const {
  if (!only_block_) return plan_.steps;
  std::vector<Step> steps;
  for (const Step& step : plan_.steps)
    if (step.block == *only_block_) steps.push_back(step);
  return steps;
}

std::vector<Step> RunFolder::PendingSteps() const {
  std::set<StepKey> done;
  for (const Sample& sample : samples_) done.emplace(sample.block, sample.arm);
  std::vector<Step> pending;
  for (const Step& step : Steps()) {
    if (done.count({step.block, step.arm}) == 0) pending.push_back(step);
  }
  return pending;
}

Result<void> RunFolder::Append(const Sample& sample) {
  const fs::path path = dir_ / "samples.jsonl";
  if (samples_fd_ < 0) {
    return Fail(ExitCode::kBroke, path.string() + " is open for reading only");
  }
  if (!AllFinite(sample)) {
    return Fail(ExitCode::kBroke,
                fmt::format("the sample of block {}, arm {} holds a number that is not finite",
                            sample.block, sample.arm));
  }
  // What a guest printed may be any bytes; a replacement character is better than no sample.
  const std::string line = DumpJson(ToJson(sample), -1);
  if (auto appended = AppendWhole(samples_fd_, path, line); !appended) return appended;
  samples_.push_back(sample);
  return {};
}

Result<void> RunFolder::WriteEnvironment(const Environment& environment) {
  auto written = WriteFileAtomic(dir_ / "environment.json", DumpJson(ToJson(environment)));
  if (written) environment_ = environment;
  return written;
}

std::string RunFolder::ConsoleName(const Step& step) const {
  return fmt::format("console/b{:03}-{}.log", step.block, step.arm);
}

std::vector<fs::path> ListRuns(const fs::path& runs_dir) {
  std::vector<fs::path> runs;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(runs_dir, error)) {
    std::error_code ignored;
    if (fs::exists(entry.path() / "plan.json", ignored)) runs.push_back(entry.path());
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

}  // namespace blendbench
