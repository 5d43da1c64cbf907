// SPDX-License-Identifier: MIT
// Whether a job's bytes came from where its metric says. Measured per guest (measure/fio_result.h), told here. Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/base/sample.h"
#include "harness/spec/experiment.h"

namespace blendbench {

// "ARM: N of M guests were served from a cache, wholly or partly" when that is so for a job; "" otherwise.
std::string CacheNote(const std::vector<Sample>& samples, const FioJob& job,
                      const std::string& arm);

// The same for whichever job the metric belongs to, for each of `arms`.
std::vector<std::string> CacheNotes(const Experiment& experiment,
                                    const std::vector<Sample>& samples, const std::string& metric,
                                    const std::vector<std::string>& arms);

}  // namespace blendbench
