// SPDX-License-Identifier: MIT
// One-line messages for whoever runs blendfs: on standard error while it is in the foreground, in
// the kernel log or syslog once it serves a mount in the background. Lines are rate-limited,
// because a hostile layer must not be able to fill a disk or a console with complaints about
// itself; only debugging lines are not, since who asks for those wants all of them. Thread-safety: all functions may be called from any thread.
#pragma once

#include <optional>
#include <string_view>

namespace blendfs {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

enum class LogSink {
  kStderr,
  kSyslog,
  kKernel,  // /dev/kmsg, which exists before any log daemon; falls back to syslog
};

// Where lines go from now on. The initial sink is kStderr, the initial level kWarning. kKernel
// opens its device here and keeps it, so that it still works after a change of root.
void SetLogSink(LogSink sink);
// Lines less important than `level` are dropped.
void SetLogLevel(LogLevel level);
LogLevel CurrentLogLevel();
inline bool IsLogged(LogLevel level) { return level <= CurrentLogLevel(); }

// "error", "warning", "info", "debug", and back.
std::string_view Name(LogLevel level);
std::optional<LogLevel> ParseLogLevel(std::string_view name);

// Writes "blendfs: [warning: ]message". Newlines and control characters in the message (names come
// from layers) are shown as '?'. Never fails.
void Log(LogLevel level, std::string_view message);

inline void LogError(std::string_view message) { Log(LogLevel::kError, message); }
inline void LogWarning(std::string_view message) { Log(LogLevel::kWarning, message); }
inline void LogInfo(std::string_view message) { Log(LogLevel::kInfo, message); }

}  // namespace blendfs
