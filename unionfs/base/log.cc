// SPDX-License-Identifier: MIT
#include "unionfs/base/log.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "unionfs/base/unique_fd.h"

namespace blendfs {
namespace {

constexpr int kBurstLines = 20;
constexpr std::chrono::seconds kBurstWindow{5};
constexpr size_t kMaxLineBytes = 900;  // a record of /dev/kmsg holds about 1000

constexpr std::array<std::string_view, 4> kLevelNames = {"error", "warning", "info", "debug"};

class Logger {
 public:
  void SetSink(LogSink sink) {
    const std::lock_guard lock(mutex_);
    sink_ = sink;
    if (sink == LogSink::kKernel && !kernel_) {
      kernel_.reset(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY));
      if (!kernel_) sink_ = LogSink::kSyslog;
    }
    if (sink_ == LogSink::kSyslog) ::openlog("blendfs", LOG_PID, LOG_DAEMON);
  }

  void SetLevel(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  LogLevel level() const { return level_.load(std::memory_order_relaxed); }

  void Write(LogLevel level, std::string_view message) {
    if (level > this->level()) return;
    const std::lock_guard lock(mutex_);
    if (level == LogLevel::kDebug) return Emit(level, message);
    const auto now = std::chrono::steady_clock::now();
    if (now - window_start_ >= kBurstWindow) {
      const int suppressed = written_ > kBurstLines ? written_ - kBurstLines : 0;
      window_start_ = now;
      written_ = 0;
      if (suppressed > 0) {
        Emit(LogLevel::kWarning, std::to_string(suppressed) + " more messages were suppressed");
      }
    }
    if (written_++ < kBurstLines) Emit(level, message);
  }

 private:
  static int SyslogPriority(LogLevel level) {
    switch (level) {
      case LogLevel::kError:
        return LOG_ERR;
      case LogLevel::kWarning:
        return LOG_WARNING;
      case LogLevel::kInfo:
        return LOG_INFO;
      case LogLevel::kDebug:
        return LOG_DEBUG;
    }
    return LOG_ERR;
  }

  void Emit(LogLevel level, std::string_view message) {
    std::string line = level == LogLevel::kWarning ? "warning: " : "";
    for (const char c : message.substr(0, kMaxLineBytes)) {
      const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      line.push_back(control ? '?' : c);
    }
    if (sink_ == LogSink::kSyslog) {
      ::syslog(SyslogPriority(level), "%s", line.c_str());
      return;
    }
    std::string prefix = "blendfs: ";
    if (sink_ == LogSink::kKernel) {
      prefix = "<" + std::to_string(LOG_DAEMON | SyslogPriority(level)) + ">" + prefix;
    }
    line = prefix + line + "\n";
    const int fd = sink_ == LogSink::kKernel ? kernel_.get() : STDERR_FILENO;
    // One write a line keeps lines of several processes whole; nobody is left to tell of a failure.
    [[maybe_unused]] const ssize_t written = ::write(fd, line.data(), line.size());
  }

  std::atomic<LogLevel> level_{LogLevel::kWarning};
  std::mutex mutex_;
  LogSink sink_ = LogSink::kStderr;
  UniqueFd kernel_;
  int written_ = 0;
  std::chrono::steady_clock::time_point window_start_{};
};

Logger& TheLogger() {
  static Logger* const logger = new Logger;  // outlives every static destructor that may log
  return *logger;
}

}  // namespace

void SetLogSink(LogSink sink) { TheLogger().SetSink(sink); }
void SetLogLevel(LogLevel level) { TheLogger().SetLevel(level); }
LogLevel CurrentLogLevel() { return TheLogger().level(); }

std::string_view Name(LogLevel level) { return kLevelNames[static_cast<size_t>(level)]; }

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  const auto found = std::find(kLevelNames.begin(), kLevelNames.end(), name);
  if (found == kLevelNames.end()) return std::nullopt;
  return static_cast<LogLevel>(found - kLevelNames.begin());
}

void Log(LogLevel level, std::string_view message) { TheLogger().Write(level, message); }

}  // namespace blendfs
