// SPDX-License-Identifier: MIT
// A stored run as the gate and the history look at it. Pure; thread-safe.
#pragma once

#include "harness/export/record.h"
#include "harness/gate/regression.h"

namespace blendbench {

TrackedRun TrackedFrom(const RunRecord& record);

}  // namespace blendbench
