// SPDX-License-Identifier: MIT
// What a mount tells of itself, for people, for programs and for Prometheus.
#include <algorithm>
#include <array>
#include <map>

#include "unionfs/inspect/live.h"
#include "unionfs/inspect/words.h"

namespace blendfs::inspect {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string JsonValue(const std::string& value) {
  return IsNumber(value) ? value : JsonText(value);
}

// "layer.3.hits" -> layer "3", what "hits"; "requests.lookup" -> family "requests", what "lookup".
struct Name {
  explicit Name(std::string_view text) {
    const size_t first = text.find('.');
    if (first == std::string_view::npos) {
      what = text;
      return;
    }
    family = text.substr(0, first);
    what = text.substr(first + 1);
    if (family != "layer") return;
    const size_t second = what.find('.');
    layer = what.substr(0, second);
    what = second == std::string_view::npos ? "" : what.substr(second + 1);
  }
  std::string_view family, layer, what;
};

// What is known of every layer, in the order in which they came.
using Layer = std::map<std::string_view, std::string_view>;
std::vector<std::pair<std::string_view, Layer>> LayersOf(const Figures& figures) {
  std::vector<std::pair<std::string_view, Layer>> layers;
  for (const Figure& figure : figures) {
    const Name name(figure.name);
    if (name.layer.empty()) continue;
    auto found = std::find_if(layers.begin(), layers.end(),
                              [&](const auto& layer) { return layer.first == name.layer; });
    if (found == layers.end()) found = layers.emplace(found, name.layer, Layer());
    found->second[name.what] = figure.value;
  }
  return layers;
}

// A label's value: backslash, quote and newline are escaped, and nothing else may be.
std::string Label(std::string_view key, std::string_view value) {
  std::string text = std::string(key) + "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text + "\"";
}

struct Metric {
  std::string_view figure;  // its name, or its family
  std::string_view label;   // of a family: what its members differ by
  std::string_view name;    // without "blendfs_"
  std::string_view type;
  std::string_view help;
};
constexpr std::array<Metric, 11> kMetrics = {{
    {"uptime_seconds", "", "uptime_seconds", "gauge", "Time since the mount."},
    {"requests", "kind", "requests_total", "counter", "Requests of the kernel, by kind."},
    {"opens", "way", "opens_total", "counter", "Opened files, by who reads and writes their data."},
    {"read_bytes", "", "read_bytes_total", "counter", "Bytes read through the daemon."},
    {"written_bytes", "", "written_bytes_total", "counter", "Bytes written through the daemon."},
    {"copy_ups", "kind", "copy_ups_total", "counter", "Objects copied to the upper layer."},
    {"copied_bytes", "", "copied_bytes_total", "counter", "Bytes copied to the upper layer."},
    {"lookup_misses", "", "lookup_misses_total", "counter", "Lookups of names that are not there."},
    {"nodes", "", "nodes", "gauge", "Objects that the kernel knows."},
    {"descriptors", "", "descriptors", "gauge", "Descriptors of layers' objects that are open."},
    {"open_files", "", "open_files", "gauge", "Files that are open."},
}};

class Exposition {
 public:
  explicit Exposition(const std::string& mount_point) : mount_(Label("mount", mount_point)) {}
  void Begin(std::string_view name, std::string_view type, std::string_view help) {
    text_ += "# HELP blendfs_" + std::string(name) + " " + std::string(help) + "\n# TYPE blendfs_" +
             std::string(name) + " " + std::string(type) + "\n";
  }
  void Sample(std::string_view name, const std::string& labels, std::string_view value) {
    text_ += "blendfs_" + std::string(name) + "{" + mount_ + (labels.empty() ? "" : ",") + labels +
             "} " + std::string(value) + "\n";
  }
  std::string Take() { return std::move(text_); }

 private:
  const std::string mount_;
  std::string text_;
};

}  // namespace

Figures ParseFigures(std::string_view lines) {
  Figures figures;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const size_t space = line.find(' ');
    if (space == 0 || space == std::string_view::npos) continue;
    figures.push_back({std::string(line.substr(0, space)), std::string(line.substr(space + 1))});
  }
  return figures;
}

std::string ToText(const Figures& figures) {
  size_t width = 0;
  for (const Figure& figure : figures) width = std::max(width, figure.name.size());
  std::string text;
  for (const Figure& figure : figures) {
    const std::string padding(width + 2 - figure.name.size(), ' ');
    text += Printable(figure.name) + padding + Printable(figure.value) + "\n";
  }
  return text;
}

std::string ToJson(const std::string& mount_point, const Figures& figures) {
  JsonObject all;
  all.Text("mount", mount_point);
  std::vector<std::pair<std::string_view, JsonObject>> families;
  for (const Figure& figure : figures) {
    const Name name(figure.name);
    if (!name.layer.empty()) continue;
    if (name.family.empty()) {
      all.Raw(name.what, JsonValue(figure.value));
      continue;
    }
    if (families.empty() || families.back().first != name.family) {
      families.emplace_back(name.family, JsonObject());
    }
    families.back().second.Raw(name.what, JsonValue(figure.value));
  }
  for (const auto& [name, family] : families) all.Raw(name, family.Close());
  std::vector<std::string> layers;
  for (const auto& [number, members] : LayersOf(figures)) {
    JsonObject layer;
    for (const auto& [what, value] : members) {
      layer.Raw(what, what == "hits" ? JsonValue(std::string(value)) : JsonText(value));
    }
    layers.push_back(layer.Close());
  }
  return all.Raw("layers", JsonArray(layers)).Close();
}

std::string ToPrometheus(const std::string& mount_point, const Figures& figures) {
  Exposition text(mount_point);
  for (const Metric& metric : kMetrics) {
    bool begun = false;
    for (const Figure& figure : figures) {
      const Name name(figure.name);
      const bool wanted = metric.label.empty()
                              ? figure.name == metric.figure
                              : name.family == metric.figure && name.what != "total";
      if (!wanted || !IsNumber(figure.value)) continue;
      if (!begun) text.Begin(metric.name, metric.type, metric.help);
      begun = true;
      text.Sample(metric.name, metric.label.empty() ? "" : Label(metric.label, name.what),
                  figure.value);
    }
  }
  const auto layers = LayersOf(figures);
  if (!layers.empty()) {
    text.Begin("layer_hits_total", "counter", "Lookups whose object the layer provides.");
  }
  for (const auto& [number, members] : layers) {
    const auto of = [&members = members](std::string_view what) {
      const auto found = members.find(what);
      return found == members.end() ? std::string_view() : found->second;
    };
    text.Sample(
        "layer_hits_total",
        Label("layer", number) + "," + Label("role", of("role")) + "," + Label("path", of("path")),
        of("hits"));
  }
  for (const Figure& figure : figures) {
    if (figure.name != "version") continue;
    text.Begin("info", "gauge", "The version that serves the mount.");
    text.Sample("info", Label("version", figure.value), "1");
  }
  return text.Take();
}

}  // namespace blendfs::inspect
