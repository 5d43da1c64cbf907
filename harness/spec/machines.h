// SPDX-License-Identifier: MIT
// On which machine a sample was measured, and block numbers in few words. Pure.
#pragma once

#include <string>
#include <vector>

#include "harness/base/sample.h"

namespace blendbench {

// provenance.host.machine, the fingerprint; "" of samples from before it was recorded.
std::string MachineOf(const Sample& sample);

// What an executor called the machine (provenance.host.node), else the fingerprint's beginning; "" when unknown.
std::string MachineNameOf(const Sample& sample);

// {0, 1, 2, 5} -> "0-2, 5". `separator` stands between the ranges.
std::string BlocksText(const std::vector<int>& blocks, const std::string& separator = ", ");

}  // namespace blendbench
