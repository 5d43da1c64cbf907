// SPDX-License-Identifier: MIT
#include "harness/measure/boot_phases.h"

#include <array>

#include "harness/guest/clock.h"

namespace blendbench {
namespace {

struct Phase {
  char ends_with;
  const char* metric;
};
constexpr std::array<Phase, 5> kPhases = {{{'I', "boot.kernel_s"},
                                           {'m', "boot.initramfs_s"},
                                           {'M', "boot.merge_s"},
                                           {'S', "boot.switch_s"},
                                           {'R', "boot.userspace_s"}}};

}  // namespace

Outcome<std::map<std::string, double>> BootPhases(const std::vector<Marker>& markers,
                                                  int64_t zero_ns) {
  std::map<std::string, double> metrics;
  double total_s = 0;
  int64_t from_ns = zero_ns;
  size_t next = 0;
  for (const Phase& phase : kPhases) {
    // Looked for after the one before: a stray byte earlier on is not this marker.
    while (next < markers.size() && markers[next].name != phase.ends_with) ++next;
    if (next == markers.size())
      return Unexpected(std::string("boot marker ") + phase.ends_with +
                        " is missing or out of order");
    const int64_t to_ns = markers[next].ns;
    if (to_ns < from_ns)
      return Unexpected(std::string("boot marker ") + phase.ends_with + " came before its time");
    const double phase_s = SecondsBetween(from_ns, to_ns);
    metrics[phase.metric] = phase_s;
    total_s += phase_s;
    from_ns = to_ns;
    ++next;
  }
  metrics["boot.total_s"] = total_s;
  return metrics;
}

nlohmann::json MarkersToJson(const std::vector<Marker>& markers, int64_t zero_ns) {
  nlohmann::json list = nlohmann::json::array();
  for (const Marker& marker : markers) {
    const bool printable = marker.name > ' ' && marker.name < 127;
    list.push_back({{"name", std::string(1, printable ? marker.name : '?')},
                    {"s", SecondsBetween(zero_ns, marker.ns)}});
  }
  return list;
}

}  // namespace blendbench
