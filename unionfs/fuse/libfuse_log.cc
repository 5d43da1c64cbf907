// SPDX-License-Identifier: MIT
#include "unionfs/fuse/libfuse_log.h"

#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "unionfs/base/log.h"
#include "unionfs/fuse/libfuse.h"

namespace blendfs::fuse {
namespace {

bool show_debug = false;

void Forward(fuse_log_level level, const char* format, va_list arguments) {
  if (level == FUSE_LOG_DEBUG) {
    if (show_debug) vfprintf(stderr, format, arguments);  // too many for a log with a limit
    return;
  }
  char text[1024];
  if (vsnprintf(text, sizeof text, format, arguments) <= 0) return;
  std::string_view line(text);
  while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  if (!line.empty()) Log(level <= FUSE_LOG_ERR ? LogLevel::kError : LogLevel::kWarning, line);
}

}  // namespace

void TakeOverLibfuseLog(bool debug) {
  show_debug = debug;
  fuse_set_log_func(Forward);
}

}  // namespace blendfs::fuse
