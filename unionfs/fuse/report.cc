// SPDX-License-Identifier: MIT
#include "unionfs/fuse/report.h"

#include <fcntl.h>

#include <string_view>

#include "unionfs/base/log.h"

namespace blendfs::fuse {
namespace {

constexpr size_t kLineBytes = 700;

}  // namespace

Status ReportFile::Open(const std::string& path) {
  file_.reset(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
  if (!file_) return FailErrno("open statistics file");
  return {};
}

void ReportFile::Write(const std::string& text) {
  std::lock_guard lock(mutex_);
  if (file_) {
    [[maybe_unused]] ssize_t written = pwrite(file_.get(), text.data(), text.size(), 0);
    [[maybe_unused]] int cut = ftruncate(file_.get(), static_cast<off_t>(text.size()));
    return;
  }
  // The log limits its lines: as few as hold it.
  std::string line = "statistics:";
  for (std::string_view rest = text; !rest.empty();) {
    size_t end = rest.find('\n');
    std::string_view entry = rest.substr(0, end);
    if (line.size() + entry.size() > kLineBytes) {
      LogInfo(line);
      line = "statistics:";
    }
    line.append(" ").append(entry).append(";");
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  LogInfo(line);
}

}  // namespace blendfs::fuse
