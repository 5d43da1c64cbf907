// SPDX-License-Identifier: MIT
// The host substrate's part of a plan's JSON. For plan.cc alone. Pure.
#pragma once

#include "harness/spec/experiment.h"

namespace blendbench {

nlohmann::json HostToJson(const HostSettings& host);
// Throws std::exception of what is missing or of the wrong type.
HostSettings HostFromJson(const nlohmann::json& object);

}  // namespace blendbench
