// SPDX-License-Identifier: MIT
// The metrics an experiment yields: their ids, labels, units and which direction is better. Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/spec/experiment.h"
#include "harness/spec/external.h"

namespace blendbench {

// Boot total, boot phases in the order they happen, then one metric a job and a program. The phases add up to the
// total.
std::vector<Metric> MetricsOf(const Experiment& experiment);

std::string JobMetricId(const FioJob& job);  // fio.<id>_mbps; MB are 10^6 bytes

}  // namespace blendbench
