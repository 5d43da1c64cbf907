// SPDX-License-Identifier: MIT
#include "unionfs/fuse/report.h"

#include <fcntl.h>

#include <string_view>
#include <utility>

#include "unionfs/base/log.h"

namespace blendfs::fuse {
namespace {

constexpr size_t kLineBytes = 700;
constexpr size_t kMostFigureBytes = 60'000;

std::string Escaped(std::string_view path) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f && c != '\\') {
      text.push_back(c);
    } else {
      text.append("\\x").append({kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return text;
}

class Lines {
 public:
  void Add(const std::string& name, std::string_view value) { text_ += FigureLine(name, value); }
  void Add(const std::string& name, uint64_t value) { Add(name, std::to_string(value)); }
  void AddIfItFits(const std::string& name, std::string_view value) {
    if (text_.size() + name.size() + value.size() + 2 <= kMostFigureBytes) Add(name, value);
  }
  void Append(const std::string& lines) { text_ += lines; }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string RenderFigures(const Statistics& statistics, const Figures& figures) {
  const merge::Counters& counters = figures.counters;
  Lines lines;
  lines.Add("version", BLENDFS_VERSION);
  lines.Add("uptime_seconds", static_cast<uint64_t>(figures.uptime.count()));
  lines.Add("log_level", Name(CurrentLogLevel()));
  lines.Append(statistics.Render());
  lines.Add("copy_ups.data", counters.data_copy_ups);
  lines.Add("copy_ups.metadata", counters.metadata_copy_ups);
  lines.Add("copy_ups.directory", counters.directory_copy_ups);
  lines.Add("copy_ups.special", counters.special_copy_ups);
  lines.Add("copied_bytes", counters.copied_bytes);
  lines.Add("lookup_misses", counters.misses);
  lines.Add("nodes", counters.nodes);
  lines.Add("descriptors", counters.descriptors);
  lines.Add("open_files", figures.open_files);
  const auto name = [](size_t layer, const char* what) {
    return "layer." + std::to_string(layer) + "." + what;
  };
  for (size_t i = 0; i < counters.layers.size(); ++i) {
    lines.Add(name(i, "hits"), counters.layers[i].hits);
    lines.Add(name(i, "role"), counters.layers[i].writable ? "upper" : "lower");
  }
  for (size_t i = 0; i < counters.layers.size(); ++i) {
    lines.AddIfItFits(name(i, "path"), Escaped(counters.layers[i].path));
  }
  return lines.Take();
}

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
