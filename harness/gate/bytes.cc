// SPDX-License-Identifier: MIT
#include "harness/gate/bytes.h"

#include <fmt/format.h>

#include "harness/spec/metrics.h"

namespace blendbench {

std::string CacheNote(const std::vector<Sample>& samples, const FioJob& job,
                      const std::string& arm) {
  int told = 0, cached = 0;
  for (const Sample& sample : samples) {
    if (sample.arm != arm || sample.status != SampleStatus::kOk) continue;
    const nlohmann::json::json_pointer place("/fio/" + job.id + "/served_from");
    if (!sample.raw.is_object() || !sample.raw.contains(place)) continue;
    ++told;
    if (sample.raw.at(place) != "device") ++cached;
  }
  if (cached == 0) return "";
  return fmt::format("{}: {} of {} guests were served from a cache, wholly or partly", arm, cached,
                     told);
}

std::vector<std::string> CacheNotes(const Experiment& experiment,
                                    const std::vector<Sample>& samples, const std::string& metric,
                                    const std::vector<std::string>& arms) {
  std::vector<std::string> notes;
  for (const FioJob& job : experiment.jobs) {
    if (JobMetricId(job) != metric) continue;
    for (const std::string& arm : arms)
      if (std::string note = CacheNote(samples, job, arm); !note.empty())
        notes.push_back(std::move(note));
  }
  return notes;
}

}  // namespace blendbench
